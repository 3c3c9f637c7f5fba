"""Timed work of notification, and the loop that sends."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from libs.crypto import Vault
from libs.db import Database
from libs.jobs import Schedule, Schedules
from libs.settings import Settings
from libs.telemetry import get_logger
from subgraphs.notification.channel.rules import Mailer
from subgraphs.notification.notification.operations import FORGET_SECRETS, Sender, forget_secrets

SCHEDULES: Schedules = {FORGET_SECRETS: Schedule(every=timedelta(hours=6), operation=forget_secrets)}

_IDLE_SECONDS = 0.5
_log = get_logger(__name__)


def sending(
    settings: Settings, database: Database, vault: Vault, mailer: Mailer
) -> Callable[[asyncio.Event], Awaitable[None]]:
    """The part of the worker that sends what is due, first attempts and retries alike, batch after batch."""
    sender = Sender(database, vault, mailer, public_url=settings.public_url, mail_from=settings.mail_sender)

    async def send_until(stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                if await sender.send_due():
                    continue
            except (SQLAlchemyError, OSError) as error:
                _log.warning("sending_interrupted", subgraph="notification", error=error)
            try:
                await asyncio.wait_for(stop.wait(), _IDLE_SECONDS)
            except TimeoutError:
                continue

    return send_until
