"""The parts of a worker together: an event in, its effect, a job and a schedule out; an orderly end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import nats
import psycopg
import pytest
from nats.js.errors import NotFoundError
from sqlalchemy import text

from libs.crypto import KeyRing
from libs.db import Database, TenantTransaction
from libs.events import EventMeta, wait_until_consumed
from libs.events.broker import STREAM
from libs.events.contracts.academic import SubjectCreated
from libs.jobs import JobQueue, RunningJob, Schedule, SubgraphWorker, add_schedule
from libs.kernel import Binding, Scope, new_id
from libs.settings import Settings

TENANT = new_id()
SYSTEM = Binding(TENANT, Scope.SYSTEM)


async def note(tx: TenantTransaction, content: str) -> None:
    await tx.execute(
        text("insert into academic.notes (id, text) values (:id, :text)"), {"id": new_id(), "text": content}
    )


async def noted(academic: Database, count: int) -> list[str]:
    texts: list[str] = []
    for _ in range(500):
        async with academic.read(SYSTEM) as tx:
            texts = [row.text for row in await tx.execute(text("select text from academic.notes order by text"))]
        if len(texts) >= count:
            break
        await asyncio.sleep(0.02)
    return texts


@asynccontextmanager
async def at_work(worker: SubgraphWorker) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 5)


@pytest.fixture(autouse=True)
async def no_stream(settings: Settings) -> None:
    client = await nats.connect(settings.nats_url)
    with suppress(NotFoundError):
        await client.jetstream().delete_stream(STREAM)
    await client.close()


async def test_everything_at_once(settings: Settings, academic: Database, queue: JobQueue) -> None:
    async def consume(tx: TenantTransaction, event: SubjectCreated, _: EventMeta) -> None:
        await note(tx, f"event {event.name}")
        await queue.enqueue(tx, "IMPORT", {"name": event.name}, created_by=None)

    async def work(tx: TenantTransaction, job: RunningJob) -> None:
        await note(tx, f"job {job.payload['name']}")

    async def remind(tx: TenantTransaction) -> None:
        await note(tx, "schedule")

    async def beside(stop: asyncio.Event) -> None:
        async with academic.write(SYSTEM) as tx:
            await note(tx, "beside")
        await stop.wait()

    worker = SubgraphWorker(
        settings,
        academic,
        KeyRing.from_settings(settings),
        consumers={SubjectCreated: consume},
        queue=queue,
        jobs={"IMPORT": work},
        schedules={"remind": Schedule(every=timedelta(days=1), operation=remind)},
        also=(beside,),
    )
    async with academic.write(SYSTEM) as tx:
        await add_schedule(tx, "academic", "remind", first_run_at=tx.now)
        tx.emit(SubjectCreated(subject_id=new_id(), code="M", name="Math", category="WAJIB"))
    async with at_work(worker):
        assert await noted(academic, 4) == ["beside", "event Math", "job Math", "schedule"]
        await wait_until_consumed(settings, subgraphs=["academic"])
    assert await noted(academic, 4) == ["beside", "event Math", "job Math", "schedule"]


async def test_a_part_that_fails_unexpectedly_ends_the_worker(settings: Settings, academic: Database) -> None:
    async def fail(_: asyncio.Event) -> None:
        raise ZeroDivisionError

    worker = SubgraphWorker(settings, academic, KeyRing.from_settings(settings), consumers={}, also=(fail,))
    with pytest.raises(ExceptionGroup) as caught:
        await asyncio.wait_for(worker.run(asyncio.Event()), 20)
    assert caught.group_contains(ZeroDivisionError)


async def test_a_worker_without_a_broker_stops_when_asked(settings: Settings, academic: Database) -> None:
    nowhere = settings.model_copy(update={"nats_url": "nats://127.0.0.1:9"})
    worker = SubgraphWorker(nowhere, academic, KeyRing.from_settings(settings), consumers={})
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(stop))
    await asyncio.sleep(0.3)
    stop.set()
    await asyncio.wait_for(task, 20)


async def test_queues_forget_what_is_over(settings: Settings, academic: Database) -> None:
    name = settings.database_url.rpartition("/")[2]
    with psycopg.connect(settings.database_admin_url.get_secret_value(), dbname=name) as admin:
        admin.execute(
            "insert into academic.inbox (event_id, tenant_id, received_at) select gen_random_uuid(),"
            " gen_random_uuid(), now() - day * interval '1 day' from generate_series(0, 90, 10) day"
        )
        admin.execute(
            "insert into academic.idempotency_keys (tenant_id, principal, key, root_field, input_hash, created_at)"
            " select gen_random_uuid(), 'p', gen_random_uuid(), 'f', 'h', now() - hour * interval '1 hour'"
            " from generate_series(1, 47, 2) hour"
        )
    worker = SubgraphWorker(settings, academic, KeyRing.from_settings(settings), consumers={})
    async with at_work(worker):
        await asyncio.sleep(1)
    with psycopg.connect(settings.database_admin_url.get_secret_value(), dbname=name) as admin:
        left = admin.execute(
            "select (select count(*) from academic.inbox), (select count(*) from academic.idempotency_keys)"
        ).fetchone()
    assert left == (6, 12)
