"""Events between the subgraphs: contracts, outbox, relay, consumers, dead letters, replay and snapshot."""

from libs.events.broker import broker, ensure_stream
from libs.events.consumers import Consumer
from libs.events.contracts import CONTRACTS, Event, PersonalPart
from libs.events.dead_letters import DeadLetter, DeadLetterResolved, DeadLetters
from libs.events.envelope import EventMeta
from libs.events.feed import Feed, FeedEnded
from libs.events.inbox import Consumers, Inbox, Operation
from libs.events.outbox import OutboxWriter
from libs.events.projection import StorageCounted, keep_storage, keep_tenant, school_day, upsert_if_newer
from libs.events.relay import Relay
from libs.events.replay import Snapshots, replay, snapshot
from libs.events.tables import QueueTables, create_queue_tables, queue_tables
from libs.events.wait import StillBehind, wait_until_consumed

__all__ = [
    "CONTRACTS",
    "Consumer",
    "Consumers",
    "DeadLetter",
    "DeadLetterResolved",
    "DeadLetters",
    "Event",
    "EventMeta",
    "Feed",
    "FeedEnded",
    "Inbox",
    "Operation",
    "OutboxWriter",
    "PersonalPart",
    "QueueTables",
    "Relay",
    "Snapshots",
    "StillBehind",
    "StorageCounted",
    "broker",
    "create_queue_tables",
    "ensure_stream",
    "keep_storage",
    "keep_tenant",
    "queue_tables",
    "replay",
    "school_day",
    "snapshot",
    "upsert_if_newer",
    "wait_until_consumed",
]
