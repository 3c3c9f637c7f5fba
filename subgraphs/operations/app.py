"""Operations put together: settings in, processes out. The only file that wires."""

from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette

from libs.crypto import KeyRing, SignedLinks, Vault
from libs.db import Database
from libs.events import Feed, OutboxWriter
from libs.events.contracts.operations import OperationsStorageCounted
from libs.files import Storage, StoredFiles, Uploads, upload_route
from libs.graph import Subgraph, subgraph_app
from libs.jobs import JobProgressFeed, JobQueue, SubgraphWorker
from libs.kernel import Clock, utc_now
from libs.settings import Settings
from subgraphs.operations.consumers import consumers
from subgraphs.operations.jobs import jobs
from subgraphs.operations.model import SCHEMA, Tenant, files, person_keys
from subgraphs.operations.report_card.adapters.chromium import ChromiumPrinter
from subgraphs.operations.report_card.adapters.page import Pages
from subgraphs.operations.report_card.http import Archive, report_card_routes
from subgraphs.operations.report_card.queries import CARD_BYTES
from subgraphs.operations.schema import schema


@dataclass(frozen=True, slots=True)
class Extras:
    """What the graph of operations needs beyond the database: long work, keys, signed addresses, uploads, events."""

    queue: JobQueue
    vault: Vault
    links: SignedLinks
    uploads: Uploads
    feed: Feed
    progress: JobProgressFeed


def open_database(settings: Settings, *, clock: Clock = utc_now) -> Database:
    """The database of operations with its outbox."""
    return Database(settings, SCHEMA, on_flush=OutboxWriter(SCHEMA, KeyRing.from_settings(settings)), clock=clock)


def open_uploads(settings: Settings, vault: Vault) -> Uploads:
    """The files that are sent to operations; with report cards, they are all it keeps."""
    return Uploads(files, settings, vault, Storage(files, OperationsStorageCounted, CARD_BYTES))


def create_app(settings: Settings, *, clock: Clock = utc_now) -> Starlette:
    """The graph of operations. Raises SettingsError when a key is missing."""
    database = open_database(settings, clock=clock)
    key_ring = KeyRing.from_settings(settings)
    vault, feed = Vault(key_ring, person_keys), Feed(settings, SCHEMA, key_ring)
    progress = JobProgressFeed(settings, SCHEMA)
    links = SignedLinks(settings, purpose="report card")
    uploads = open_uploads(settings, vault)
    extras = Extras(JobQueue(SCHEMA, vault), vault, links, uploads, feed, progress)
    subgraph = Subgraph(SCHEMA, settings, schema, database, Tenant.__table__, extras, clock)
    archive = Archive(database, vault, StoredFiles(settings.files_url), links, clock)
    routes = [*report_card_routes(archive), upload_route(uploads, database, clock)]
    return subgraph_app(subgraph, routes, beside=[feed.run, progress.run])


def create_worker(settings: Settings) -> SubgraphWorker:
    """Relay, consumers and long work of operations."""
    key_ring = KeyRing.from_settings(settings)
    vault = Vault(key_ring, person_keys)
    printer, database = ChromiumPrinter(settings.chromium), open_database(settings)
    stored, uploads = StoredFiles(settings.files_url), open_uploads(settings, vault)
    return SubgraphWorker(
        settings,
        database,
        key_ring,
        consumers=consumers(vault),
        queue=JobQueue(SCHEMA, vault),
        jobs=jobs(vault, Pages(settings.public_url), printer, stored, uploads),
        snapshots={"storage": uploads.storage.snapshot},
        also=[printer.run, partial(uploads.keep_purged, database)],
    )
