"""Admission put together: settings in, processes out. The only file that wires."""

from starlette.applications import Starlette

from libs.crypto import KeyRing
from libs.db import Database
from libs.events import OutboxWriter
from libs.graph import Subgraph, subgraph_app
from libs.jobs import SubgraphWorker
from libs.kernel import Clock, utc_now
from libs.settings import Settings
from subgraphs.admission.application.http import page_routes
from subgraphs.admission.application.queries import Applicants
from subgraphs.admission.consumers import consumers, snapshots
from subgraphs.admission.jobs import SCHEDULES
from subgraphs.admission.model import SCHEMA, Tenant
from subgraphs.admission.schema import schema


def open_database(settings: Settings, *, clock: Clock = utc_now) -> Database:
    """The database of admission with its outbox."""
    return Database(settings, SCHEMA, on_flush=OutboxWriter(SCHEMA, KeyRing.from_settings(settings)), clock=clock)


def create_app(settings: Settings, *, clock: Clock = utc_now) -> Starlette:
    """The graph of admission and its public pages. Raises SettingsError when a key is missing."""
    database, applicants = open_database(settings, clock=clock), Applicants.from_settings(settings)
    subgraph = Subgraph(SCHEMA, settings, schema, database, Tenant.__table__, applicants, clock)
    return subgraph_app(subgraph, page_routes(database, applicants, clock))


def create_worker(settings: Settings) -> SubgraphWorker:
    """Relay, consumers and timed work of admission."""
    return SubgraphWorker(
        settings,
        open_database(settings),
        KeyRing.from_settings(settings),
        consumers=consumers(),
        schedules=SCHEDULES,
        snapshots=snapshots(Applicants.from_settings(settings)),
    )
