"""Notification put together from settings: its application and its worker."""

from pathlib import Path

from starlette.applications import Starlette

from libs.crypto import KeyRing, Vault
from libs.db import Database
from libs.events import OutboxWriter
from libs.graph import Subgraph, subgraph_app
from libs.jobs import SubgraphWorker
from libs.settings import Settings
from subgraphs.notification.channel.adapters.sink import Sink
from subgraphs.notification.channel.adapters.smtp import SmtpMailer
from subgraphs.notification.channel.http import outbox_routes
from subgraphs.notification.channel.rules import Mailer
from subgraphs.notification.consumers import consumers
from subgraphs.notification.jobs import SCHEDULES, sending
from subgraphs.notification.model import Tenant, person_keys
from subgraphs.notification.schema import schema

_SINK = "sink:"


def create_app(settings: Settings) -> Starlette:
    """The graph; outside production also `/dev/outbox`, where mails go into a folder."""
    database = Database(
        settings, "notification", on_flush=OutboxWriter("notification", KeyRing.from_settings(settings))
    )
    sink = _sink(settings) if settings.environment != "production" else None
    subgraph = Subgraph("notification", settings, schema, database, Tenant.__table__)
    return subgraph_app(subgraph, outbox_routes(sink) if sink else ())


def create_worker(settings: Settings) -> SubgraphWorker:
    """Relay, consumer, schedules and the sender."""
    key_ring = KeyRing.from_settings(settings)
    database = Database(settings, "notification", on_flush=OutboxWriter("notification", key_ring))
    vault = Vault(key_ring, person_keys)
    mailer: Mailer = _sink(settings) or SmtpMailer(settings.mail_url)
    return SubgraphWorker(
        settings,
        database,
        key_ring,
        consumers=consumers(vault, absence_notice_seconds=settings.absence_notice_seconds),
        schedules=SCHEDULES,
        also=[sending(settings, database, vault, mailer)],
    )


def _sink(settings: Settings) -> Sink | None:
    return Sink(Path(settings.mail_url.removeprefix(_SINK))) if settings.mail_url.startswith(_SINK) else None
