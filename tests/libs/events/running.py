"""Relays and consumers in the event loop of a test."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import MetaData, Table, text

from libs.crypto import KeyRing
from libs.db import Database, TenantTransaction
from libs.events import Consumer, Consumers, Event, EventMeta, Inbox, Relay, broker, upsert_if_newer
from libs.events.contracts.academic import StudentCreated, SubjectCreated
from libs.kernel import Binding, Scope
from libs.settings import Settings
from tests.libs.queues import notes

IDENTITY_NOTES: Table = notes(MetaData(schema="identity"))
FAST = (0.05, 0.05, 0.05, 0.05)


async def count_times(tx: TenantTransaction, event: Event, _: EventMeta) -> None:
    """An effect that shows a second delivery: it counts."""
    await tx.execute(
        text(
            "insert into identity.notes (id, text) values (:id, 'seen')"
            " on conflict (tenant_id, id) do update set times = identity.notes.times + 1"
        ),
        {"id": event.aggregate_id},
    )


async def keep_name(tx: TenantTransaction, event: StudentCreated | SubjectCreated, meta: EventMeta) -> None:
    """A projection: the name by the highest sequence."""
    name = event.name if isinstance(event, SubjectCreated) else event.personal["name"]
    values = {"id": event.aggregate_id, "text": name}
    await tx.execute(upsert_if_newer(IDENTITY_NOTES, values, sequence=meta.sequence))


@asynccontextmanager
async def running(*parts: Coroutine[Any, Any, None], stop: asyncio.Event) -> AsyncIterator[None]:
    """Runs the parts until the block ends, then asks them to stop and shows what went wrong in them."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


@asynccontextmanager
async def relay_and_consumer(
    settings: Settings,
    key_ring: KeyRing,
    database: Database,
    consumers: Consumers,
    *,
    relays: Sequence[str] = ("academic",),
) -> AsyncIterator[Inbox]:
    """What a worker runs for `database`, and the relays of those it listens to."""
    stop = asyncio.Event()
    inbox = Inbox(database, consumers, key_ring)
    async with broker(settings, "test") as js:
        consumer = Consumer(settings, js, database, inbox, backoff_seconds=FAST)
        parts = [Relay(settings, each, js).run(stop) for each in relays]
        async with running(*parts, consumer.run(stop), stop=stop):
            yield inbox


async def seen(database: Database, tenant_id: Any) -> dict[Any, tuple[int, str]]:
    """(times, text) of the notes of a tenant, by id."""
    async with database.read(Binding(tenant_id, Scope.SYSTEM)) as tx:
        rows = await tx.execute(text(f"select id, times, text from {database.schema}.notes"))
        return {row.id: (row.times, row.text) for row in rows}
