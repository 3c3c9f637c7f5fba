"""What a worker shows at /metrics: the lag of its outbox and its consumer, and what waits in its queues."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from nats.js import JetStreamContext
from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from libs.db import Database
from libs.events import Inbox
from libs.events.broker import UNAVAILABLE, pause
from libs.events.lag import MOST_COUNTED, consumer_lag, outbox_lag
from libs.kernel import PLATFORM_TENANT_ID, Binding, Scope
from libs.settings import Settings
from libs.telemetry import Metrics, get_logger

EVERY_SECONDS = 5.0
_LONGEST_SECONDS = 2.0
_PLATFORM = Binding(PLATFORM_TENANT_ID, Scope.SYSTEM)
_log = get_logger(__name__)

Figures = dict[tuple[Gauge, tuple[str, ...]], float]
"""By gauge and labels after `service`."""


class Gauges:
    """Measures one subgraph on a timer: a scrape waits for nothing, and costs the engines nothing.

    What cannot be measured is not shown until it can be again: an old figure would look like a good one. `js` is None
    for as long as there has been no broker, which is when the lag of the outbox matters most.
    """

    def __init__(
        self, settings: Settings, database: Database, inbox: Inbox, metrics: Metrics, *, has_jobs: bool
    ) -> None:
        self.js: JetStreamContext | None = None
        self._database = database
        self._subgraph = database.schema
        self._consumes = bool(inbox.subjects)
        self._metrics = metrics
        self._relay_url = settings.database_for(f"{database.schema}_relay")
        self._relay: psycopg.AsyncConnection[Any] | None = None
        self._queues = {"dead_letters": _count(f"{database.schema}.dead_letters where status = 'OPEN'")}
        if has_jobs:
            self._queues["jobs"] = _count(f"{database.schema}.jobs where status in ('QUEUED', 'RUNNING')")
        self._parts: dict[str, Callable[[], Awaitable[Figures]]] = {
            "outbox": self._outbox,
            "consumer": self._consumer,
            "queues": self._waiting,
        }
        self._shown: dict[str, Figures] = {part: {} for part in self._parts}

    async def run(self, stop: asyncio.Event) -> None:
        """Measures until `stop` is set."""
        try:
            while not stop.is_set():
                await asyncio.gather(*(self._measure(part) for part in self._parts))
                await pause(stop, EVERY_SECONDS)
        finally:
            await self._let_go()

    async def _measure(self, part: str) -> None:
        figures: Figures = {}
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                figures = await self._parts[part]()
        except (psycopg.Error, SQLAlchemyError, *UNAVAILABLE) as error:
            _log.debug("not_measured", subgraph=self._subgraph, check=part, error=error)
        for gauge, labels in self._shown[part].keys() - figures.keys():
            gauge.remove(self._subgraph, *labels)
        for (gauge, labels), value in figures.items():
            gauge.labels(self._subgraph, *labels).set(value)
        self._shown[part] = figures

    async def _outbox(self) -> Figures:
        """On a connection of its own: that of the relay is busy for as long as the broker does not answer."""
        try:
            if self._relay is None:
                self._relay = await psycopg.AsyncConnection.connect(
                    self._relay_url, autocommit=True, application_name=f"wiyata-{self._subgraph}-gauges"
                )
            lag = await outbox_lag(self._relay, self._subgraph)
        except BaseException:  # also when the time is over: nobody knows what this connection would answer next
            await self._let_go()
            raise
        return {
            (self._metrics.outbox_lag_seconds, ()): lag.seconds,
            (self._metrics.queue_messages_pending, ("outbox",)): lag.pending,
        }

    async def _consumer(self) -> Figures:
        lag = await consumer_lag(self.js, self._subgraph) if self.js is not None and self._consumes else None
        return {} if lag is None else {(self._metrics.consumer_lag, (self._subgraph,)): lag}

    async def _waiting(self) -> Figures:
        figures: Figures = {(self._metrics.database_connections_active, ()): self._database.connections_in_use}
        async with self._database.read(_PLATFORM) as tx:
            for queue, statement in self._queues.items():
                count = (await tx.execute(statement)).scalar_one()
                figures[self._metrics.queue_messages_pending, (queue,)] = count
        return figures

    async def _let_go(self) -> None:
        if self._relay is not None:
            await self._relay.close()
            self._relay = None


def _count(rows: str) -> Any:
    return text(f"select count(*) from (select from {rows} limit {MOST_COUNTED}) as counted")  # noqa: S608 - ours
