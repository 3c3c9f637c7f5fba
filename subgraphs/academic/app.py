"""Academic put together: settings in, processes out. The only file that wires."""

from dataclasses import dataclass

from starlette.applications import Starlette

from libs.crypto import KeyRing
from libs.db import Database
from libs.events import OutboxWriter
from libs.graph import Subgraph, subgraph_app
from libs.jobs import JobQueue, SubgraphWorker
from libs.kernel import Clock, utc_now
from libs.settings import Settings
from subgraphs.academic.consumers import consumers, snapshots
from subgraphs.academic.contact.queries import Contacts
from subgraphs.academic.jobs import jobs
from subgraphs.academic.model import SCHEMA, Tenant
from subgraphs.academic.schema import schema


@dataclass(frozen=True, slots=True)
class Extras:
    """What academic's mutations need beyond the database: keys and the queue of long work."""

    contacts: Contacts
    queue: JobQueue


def open_database(settings: Settings, *, clock: Clock = utc_now) -> Database:
    """The database of academic with its outbox."""
    return Database(settings, SCHEMA, on_flush=OutboxWriter(SCHEMA, KeyRing.from_settings(settings)), clock=clock)


def create_app(settings: Settings, *, clock: Clock = utc_now) -> Starlette:
    """The graph of academic. Raises SettingsError when a key is missing."""
    contacts = Contacts.from_settings(settings)
    extras = Extras(contacts, JobQueue(SCHEMA, contacts.vault))
    database = open_database(settings, clock=clock)
    return subgraph_app(Subgraph(SCHEMA, settings, schema, database, Tenant.__table__, extras, clock))


def create_worker(settings: Settings) -> SubgraphWorker:
    """Relay, consumers and long work of academic."""
    contacts = Contacts.from_settings(settings)
    return SubgraphWorker(
        settings,
        open_database(settings),
        KeyRing.from_settings(settings),
        consumers=consumers(contacts),
        queue=JobQueue(SCHEMA, contacts.vault),
        jobs=jobs(contacts),
        snapshots=snapshots(contacts),
    )
