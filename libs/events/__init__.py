"""Events between the subgraphs: contracts, outbox, relay, consumers, dead letters, replay and snapshot."""

from libs.events.contracts import CONTRACTS, Event, PersonalPart
from libs.events.envelope import EventMeta
from libs.events.outbox import OutboxWriter
from libs.events.projection import Projected, upsert_if_newer
from libs.events.tables import QueueTables, create_queue_tables, queue_tables

__all__ = [
    "CONTRACTS",
    "Event",
    "EventMeta",
    "OutboxWriter",
    "PersonalPart",
    "Projected",
    "QueueTables",
    "create_queue_tables",
    "queue_tables",
    "upsert_if_newer",
]
