"""The relay: outbox rows to the stream, one relay per subgraph, each row until the broker has confirmed it."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from nats.js import JetStreamContext
from nats.js.api import Header
from psycopg.rows import class_row

from libs.events.broker import UNAVAILABLE, ensure_stream, pause
from libs.events.envelope import EventMeta, pack
from libs.events.outbox import outbox_channel
from libs.settings import Settings
from libs.telemetry import get_logger

BATCH = 200
KEPT_DAYS = 7
_POLL_SECONDS = 0.5
_PUBLISH_SECONDS = 2.0
_LONGEST_BACKOFF_SECONDS = 5.0
_PURGE_SECONDS = 600.0
_log = get_logger(__name__)


@dataclass(slots=True)
class _Row:
    """A row of the outbox, with the columns of the claim."""

    sequence: int
    id: UUID
    tenant_id: UUID
    subject: str
    type: str
    aggregate_id: UUID
    time: datetime
    traceparent: str | None
    data: str


class Relay:
    """Publishes the outbox of one subgraph as `<subgraph>_relay`.

    Rows are claimed by state, never by a watermark, and marked in the transaction that claimed them once the broker has
    confirmed. Killed in between, they are published again under the same Nats-Msg-Id, and behind that the inbox knows
    them. Events of one aggregate go out one after the other.
    """

    def __init__(self, settings: Settings, subgraph: str, js: JetStreamContext) -> None:
        self._settings = settings
        self._subgraph = subgraph
        self._js = js
        table = f"{subgraph}.outbox"
        self._claim = (
            "select sequence, id, tenant_id, subject, type, aggregate_id, time, traceparent, data::text"  # noqa: S608
            f" from {table} where published_at is null order by sequence limit {BATCH} for update skip locked"
        )
        self._mark = f"update {table} set published_at = now() where sequence = any(%s)"  # noqa: S608 - our own name
        self._purge = (
            f"delete from {table} where published_at < now() - interval '{KEPT_DAYS} days' and sequence in"  # noqa: S608
            f" (select sequence from {table} order by sequence limit 10000)"
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Relays until `stop` is set; waits out an absent database or broker."""
        while not stop.is_set():
            try:
                # A commit that a crash forgets is a row published twice, which does no harm.
                async with await psycopg.AsyncConnection.connect(
                    self._settings.database_for(f"{self._subgraph}_relay"),
                    autocommit=True,
                    connect_timeout=5,
                    application_name=f"wiyata-{self._subgraph}-relay",
                    options="-c synchronous_commit=off -c timezone=UTC",
                ) as connection:
                    await self._lead(connection, stop)
            except (psycopg.Error, *UNAVAILABLE) as error:
                _log.warning("relay_interrupted", subgraph=self._subgraph, error=error)
                await pause(stop, 0.5)

    async def _lead(self, connection: psycopg.AsyncConnection[Any], stop: asyncio.Event) -> None:
        while not await self._is_only_one(connection):
            if await pause(stop, 1.0):
                return
        await connection.execute(f"listen {outbox_channel(self._subgraph)}")
        await ensure_stream(self._js, self._settings)
        loop = asyncio.get_running_loop()
        backoff, purge_at = 0.0, loop.time()
        while not stop.is_set():
            claimed, published = await self._publish_batch(connection)
            if published < claimed:
                backoff = min(_LONGEST_BACKOFF_SECONDS, max(0.2, backoff * 2))
                _log.warning("events_held_back", subgraph=self._subgraph, count=claimed - published, seconds=backoff)
                await pause(stop, backoff)
                await ensure_stream(self._js, self._settings)
                continue
            backoff = 0.0
            if loop.time() >= purge_at:
                await connection.execute(self._purge)
                purge_at = loop.time() + _PURGE_SECONDS
            if claimed < BATCH:
                async for _ in connection.notifies(timeout=_POLL_SECONDS, stop_after=1):
                    break

    async def _is_only_one(self, connection: psycopg.AsyncConnection[Any]) -> bool:
        lock = f"select pg_try_advisory_lock(hashtextextended('wiyata relay {self._subgraph}', 0))"
        row = await (await connection.execute(lock)).fetchone()
        return bool(row and row[0])

    async def _publish_batch(self, connection: psycopg.AsyncConnection[Any]) -> tuple[int, int]:
        async with connection.transaction(), connection.cursor(row_factory=class_row(_Row)) as cursor:
            rows = await (await cursor.execute(self._claim)).fetchall()
            if not rows:
                return 0, 0
            aggregates: dict[UUID, list[_Row]] = {}
            for row in rows:
                aggregates.setdefault(row.aggregate_id, []).append(row)
            published = await asyncio.gather(*(self._publish_in_order(each) for each in aggregates.values()))
            sequences = [sequence for each in published for sequence in each]
            if sequences:
                await cursor.execute(self._mark, (sequences,))
            return len(rows), len(sequences)

    async def _publish_in_order(self, rows: list[_Row]) -> list[int]:
        published: list[int] = []
        for row in rows:
            try:
                await self._js.publish(
                    row.subject, self._body(row), timeout=_PUBLISH_SECONDS, headers={Header.MSG_ID: str(row.id)}
                )
            except UNAVAILABLE as error:
                _log.debug("event_refused", subgraph=self._subgraph, event_id=row.id, error=error)
                break
            published.append(row.sequence)
        return published

    def _body(self, row: _Row) -> bytes:
        return pack(
            meta=EventMeta(row.id, row.sequence, row.time, row.tenant_id),
            subgraph=self._subgraph,
            type=row.type,
            subject_id=row.aggregate_id,
            traceparent=row.traceparent,
            data=row.data,
        )
