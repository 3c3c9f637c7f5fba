"""What a worker shows of being behind, with a broker that stalls, stays away, and comes back."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from deploy.local.engines import nats as nats_program
from deploy.local.ports import free_port
from deploy.local.programs import Child
from libs.crypto import KeyRing
from libs.db import Database, TenantTransaction
from libs.events import EventMeta
from libs.events.contracts.academic import SubjectCreated
from libs.events.dead_letters import DeadLetters
from libs.events.envelope import event_type, pack, unpack
from libs.jobs import JobQueue, RunningJob, SubgraphWorker, gauges
from libs.kernel import Binding, Scope, new_id, utc_now
from libs.settings import Settings
from libs.telemetry import Metrics

TENANT = new_id()
SYSTEM = Binding(TENANT, Scope.SYSTEM)


class Shown:
    """The figures of academic in the metrics of a worker's process."""

    def __init__(self) -> None:
        self.metrics = Metrics("worker")

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, {"service": "academic", **labels})

    @property
    def outbox(self) -> tuple[float | None, float | None]:
        return self("queue_messages_pending", queue="outbox"), self("outbox_lag_seconds")

    @property
    def consumer(self) -> float | None:
        return self("consumer_lag", consumer="academic")


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - a gauge, not an event
            await asyncio.sleep(0.02)


def signal_to(child: Child, number: signal.Signals) -> None:
    assert child.pid is not None
    os.kill(child.pid, number)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "EVERY_SECONDS", 0.1)


@pytest.fixture
async def nats(settings: Settings, tmp_path: Path) -> AsyncIterator[Child]:
    """A broker of this test's own, not started yet."""
    program = nats_program(tmp_path / "nats", port=free_port(), durable=False)
    child = Child(program, mark=tmp_path, log=tmp_path / "nats.log")
    yield child
    if child.pid is not None:
        signal_to(child, signal.SIGCONT)
        child.stop()


async def start(child: Child) -> None:
    child.program.prepare()
    child.spawn()
    await asyncio.to_thread(child.await_ready, 20)


class Gate:
    """Holds consumers and jobs until it is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()

    async def consume(self, _: TenantTransaction, __: SubjectCreated, ___: EventMeta) -> None:
        await self.opened.wait()

    async def work(self, _: TenantTransaction, __: RunningJob) -> None:
        await self.opened.wait()


@asynccontextmanager
async def at_work(
    settings: Settings, nats: Child, academic: Database, queue: JobQueue, gate: Gate
) -> AsyncIterator[Shown]:
    shown, stop = Shown(), asyncio.Event()
    worker = SubgraphWorker(
        settings.model_copy(update={"nats_url": f"nats://127.0.0.1:{nats.program.port}"}),
        academic,
        KeyRing.from_settings(settings),
        consumers={SubjectCreated: gate.consume},
        queue=queue,
        jobs={"IMPORT": gate.work},
    )
    task = asyncio.create_task(worker.run(stop, shown.metrics))
    try:
        yield shown
    finally:
        stop.set()
        await asyncio.wait_for(task, 20)


async def emit(academic: Database, count: int) -> None:
    async with academic.write(SYSTEM) as tx:
        for _ in range(count):
            tx.emit(SubjectCreated(subject_id=new_id(), code="M", name="Math", category="WAJIB"))


async def test_what_waits_is_counted_until_it_is_done(
    settings: Settings, nats: Child, academic: Database, queue: JobQueue
) -> None:
    gate = Gate()
    await start(nats)
    async with academic.write(SYSTEM) as tx:
        for _ in range(2):
            await queue.enqueue(tx, "IMPORT", {}, created_by=None)
    async with at_work(settings, nats, academic, queue, gate) as shown:
        await emit(academic, 3)
        await until(lambda: shown.consumer == 3 and shown.outbox == (0, 0))
        assert shown("queue_messages_pending", queue="jobs") == 2
        await until(lambda: (shown("database_connections_active") or 0) >= 2)  # the consumer's and the job's
        gate.opened.set()
        await until(lambda: shown.consumer == 0 and shown("queue_messages_pending", queue="jobs") == 0)


async def test_the_outbox_lags_more_and_more_while_the_broker_stalls(
    settings: Settings, nats: Child, academic: Database, queue: JobQueue
) -> None:
    gate = Gate()
    gate.opened.set()
    await start(nats)
    async with at_work(settings, nats, academic, queue, gate) as shown:
        await until(lambda: shown.consumer == 0 and shown.outbox == (0, 0))
        signal_to(nats, signal.SIGSTOP)
        await emit(academic, 4)
        await until(lambda: shown.outbox[0] == 4)
        earlier = shown.outbox[1] or 0.0
        await until(lambda: (shown.outbox[1] or 0.0) > earlier + 2)
        await until(lambda: shown.consumer is None)  # nobody knows
        signal_to(nats, signal.SIGCONT)
        await until(lambda: shown.outbox == (0, 0) and shown.consumer == 0)


async def test_the_outbox_lag_is_shown_before_there_ever_was_a_broker(
    settings: Settings, nats: Child, academic: Database, queue: JobQueue
) -> None:
    gate = Gate()
    gate.opened.set()
    await emit(academic, 2)
    async with at_work(settings, nats, academic, queue, gate) as shown:
        await until(lambda: shown.outbox[0] == 2 and (shown.outbox[1] or 0.0) > 0.5)
        assert shown.consumer is None
        await start(nats)
        await until(lambda: shown.outbox == (0, 0) and shown.consumer == 0)


async def test_dead_letters_of_every_tenant_are_counted(
    settings: Settings, nats: Child, academic: Database, queue: JobQueue
) -> None:
    await start(nats)
    async with at_work(settings, nats, academic, queue, Gate()) as shown:
        await until(lambda: shown("queue_messages_pending", queue="dead_letters") == 0)
        for tenant in (TENANT, new_id()):
            body = pack(
                meta=EventMeta(new_id(), 1, utc_now(), tenant),
                subgraph="identity",
                type=event_type(SubjectCreated),
                subject_id=new_id(),
                traceparent=None,
                data="{}",
            )
            async with academic.write(Binding(tenant, Scope.SYSTEM)) as tx:
                await DeadLetters("academic").bury(tx, unpack(body), error=RuntimeError(), deliveries=5)
        await until(lambda: shown("queue_messages_pending", queue="dead_letters") == 2)


async def test_a_lost_connection_is_made_anew(
    settings: Settings, nats: Child, academic: Database, queue: JobQueue
) -> None:
    name = settings.database_url.rpartition("/")[2]
    await start(nats)
    async with at_work(settings, nats, academic, queue, Gate()) as shown:
        await until(lambda: shown.outbox == (0, 0))
        with psycopg.connect(settings.database_admin_url.get_secret_value(), dbname=name) as admin:
            mine = "select pid {} from pg_stat_activity where application_name = 'wiyata-academic-gauges'"
            before = [row[:1] for row in admin.execute(mine.format(", pg_terminate_backend(pid)"))]
        shown.metrics.outbox_lag_seconds.clear()
        await until(lambda: shown.outbox == (0, 0))
        with psycopg.connect(settings.database_admin_url.get_secret_value(), dbname=name) as admin:
            after = admin.execute(mine.format("")).fetchall()
    assert len(before) == len(after) == 1
    assert before != after
