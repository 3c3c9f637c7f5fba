"""Operations put together: settings in, processes out. The only file that wires."""

from dataclasses import dataclass

from starlette.applications import Starlette

from libs.crypto import KeyRing, Vault
from libs.db import Database
from libs.events import OutboxWriter
from libs.graph import Subgraph, subgraph_app
from libs.jobs import JobQueue, SubgraphWorker
from libs.kernel import Clock, utc_now
from libs.settings import Settings
from subgraphs.operations.consumers import consumers
from subgraphs.operations.jobs import JOBS
from subgraphs.operations.model import SCHEMA, Tenant, person_keys
from subgraphs.operations.schema import schema


@dataclass(frozen=True, slots=True)
class Extras:
    """What the mutations of operations need beyond the database: the queue of long work."""

    queue: JobQueue


def open_database(settings: Settings, *, clock: Clock = utc_now) -> Database:
    """The database of operations with its outbox."""
    return Database(settings, SCHEMA, on_flush=OutboxWriter(SCHEMA, KeyRing.from_settings(settings)), clock=clock)


def create_app(settings: Settings, *, clock: Clock = utc_now) -> Starlette:
    """The graph of operations. Raises SettingsError when a key is missing."""
    database = open_database(settings, clock=clock)
    extras = Extras(JobQueue(SCHEMA, Vault(KeyRing.from_settings(settings), person_keys)))
    return subgraph_app(Subgraph(SCHEMA, settings, schema, database, Tenant.__table__, extras, clock))


def create_worker(settings: Settings) -> SubgraphWorker:
    """Relay, consumers and long work of operations."""
    key_ring = KeyRing.from_settings(settings)
    vault = Vault(key_ring, person_keys)
    return SubgraphWorker(
        settings,
        open_database(settings),
        key_ring,
        consumers=consumers(vault),
        queue=JobQueue(SCHEMA, vault),
        jobs=JOBS,
    )
