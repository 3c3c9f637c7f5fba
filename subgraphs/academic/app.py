"""Academic put together: settings in, processes out. The only file that wires."""

from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette

from libs.crypto import KeyRing, Vault
from libs.db import Database
from libs.events import OutboxWriter
from libs.events.contracts.academic import AcademicStorageCounted
from libs.files import Storage, Uploads, upload_route
from libs.graph import Subgraph, subgraph_app
from libs.jobs import JobProgressFeed, JobQueue, SubgraphWorker
from libs.kernel import Clock, utc_now
from libs.settings import Settings
from subgraphs.academic.consumers import consumers, snapshots
from subgraphs.academic.contact.queries import Contacts
from subgraphs.academic.jobs import jobs
from subgraphs.academic.model import SCHEMA, Tenant, files
from subgraphs.academic.schema import schema


@dataclass(frozen=True, slots=True)
class Extras:
    """What academic's mutations need beyond the database: keys, the queue of long work, uploads."""

    contacts: Contacts
    queue: JobQueue
    progress: JobProgressFeed
    uploads: Uploads


def open_database(settings: Settings, *, clock: Clock = utc_now) -> Database:
    """The database of academic with its outbox."""
    return Database(settings, SCHEMA, on_flush=OutboxWriter(SCHEMA, KeyRing.from_settings(settings)), clock=clock)


def open_uploads(settings: Settings, vault: Vault) -> Uploads:
    """The files that are sent to academic, which are all it keeps."""
    return Uploads(files, settings, vault, Storage(files, AcademicStorageCounted))


def create_app(settings: Settings, *, clock: Clock = utc_now) -> Starlette:
    """The graph of academic. Raises SettingsError when a key is missing."""
    contacts = Contacts.from_settings(settings)
    uploads = open_uploads(settings, contacts.vault)
    progress = JobProgressFeed(settings, SCHEMA)
    extras = Extras(contacts, JobQueue(SCHEMA, contacts.vault), progress, uploads)
    database = open_database(settings, clock=clock)
    subgraph = Subgraph(SCHEMA, settings, schema, database, Tenant.__table__, extras, clock)
    return subgraph_app(subgraph, [upload_route(uploads, database, clock)], beside=[progress.run])


def create_worker(settings: Settings) -> SubgraphWorker:
    """Relay, consumers and long work of academic."""
    contacts, database = Contacts.from_settings(settings), open_database(settings)
    uploads = open_uploads(settings, contacts.vault)
    return SubgraphWorker(
        settings,
        database,
        KeyRing.from_settings(settings),
        consumers=consumers(contacts),
        queue=JobQueue(SCHEMA, contacts.vault),
        jobs=jobs(contacts, uploads),
        snapshots={**snapshots(contacts), "storage": uploads.storage.snapshot},
        also=[partial(uploads.keep_purged, database)],
    )
