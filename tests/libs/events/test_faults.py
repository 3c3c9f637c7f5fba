"""What dies on the way loses nothing and doubles nothing; what cannot be done ends in dead letters."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from nats.js.api import ConsumerConfig
from nats.js.errors import NotFoundError

from deploy.local.engines import nats as nats_program
from deploy.local.ports import free_port
from deploy.local.programs import Child
from libs.crypto import KeyRing
from libs.db import Database, TenantTransaction
from libs.events import (
    DeadLetterResolved,
    DeadLetters,
    EventMeta,
    Inbox,
    Relay,
    broker,
    ensure_stream,
    wait_until_consumed,
)
from libs.events.broker import STREAM
from libs.events.contracts.academic import StudentCreated, SubjectCreated
from libs.kernel import Binding, NotFound, Scope, new_id
from libs.settings import Settings
from tests.libs.events.running import count_times, relay_and_consumer, running, seen
from tests.libs.events.test_flow import TENANT, consumed, emit, stream_bodies, subject
from tests.libs.events.test_outbox import CANARIES, student

SYSTEM = Binding(TENANT, Scope.SYSTEM)


def as_superuser(settings: Settings, statement: str) -> list[tuple[object, ...]]:
    name = settings.database_url.rpartition("/")[2]
    with psycopg.connect(settings.database_admin_url.get_secret_value(), dbname=name) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


async def published(settings: Settings) -> int:
    async with broker(settings, "look") as js:
        try:
            return (await js.stream_info(STREAM)).state.messages
        except NotFoundError:
            return 0


def unpublished(settings: Settings) -> int:
    [(count,)] = as_superuser(settings, "select count(*) from academic.outbox where published_at is null")
    assert isinstance(count, int)
    return count


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(1_000):
        if await look():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("not within twenty seconds")


async def test_poison_goes_to_dead_letters_after_five_and_comes_back_by_replay(
    settings: Settings, academic: Database, identity: Database, key_ring: KeyRing
) -> None:
    poison, sound = student(), student()
    tries: list[UUID] = []

    async def fail(tx: TenantTransaction, event: StudentCreated, meta: EventMeta) -> None:
        if event.student_id == poison.student_id:
            tries.append(meta.id)
            raise RuntimeError(event.personal["name"])
        await count_times(tx, event, meta)

    async with relay_and_consumer(settings, key_ring, identity, {StudentCreated: fail}):
        await emit(academic, poison, sound)
        await consumed(settings)
    assert len(tries) == 5 + 1  # once with the batch it spoiled, then alone
    assert await seen(identity, TENANT) == {sound.student_id: (1, "seen")}
    letters = DeadLetters("identity")
    async with identity.read(SYSTEM) as tx:
        [letter] = await letters.find(tx)
    assert (letter.event_id, letter.type, letter.error, letter.deliveries, letter.status) == (
        tries[0],
        "id.wiyata.academic.StudentCreated.v1",
        "builtins.RuntimeError",
        5,
        "OPEN",
    )
    stored = str(as_superuser(settings, "select * from identity.dead_letters"))
    assert [canary for canary in CANARIES if canary in stored] == []

    fixed = Inbox(identity, {StudentCreated: count_times}, key_ring)
    async with identity.write(SYSTEM) as tx:
        await letters.replay(tx, fixed, letter.id)
    assert await seen(identity, TENANT) == {sound.student_id: (1, "seen"), poison.student_id: (1, "seen")}
    async with identity.write(SYSTEM) as tx:
        with pytest.raises(DeadLetterResolved):
            await letters.replay(tx, fixed, letter.id)
        assert [each.id for each in await letters.find(tx, status="REPLAYED")] == [letter.id]


async def test_a_dead_letter_is_its_tenants_own_and_can_be_discarded(
    settings: Settings, academic: Database, identity: Database, key_ring: KeyRing
) -> None:
    async def fail(_: TenantTransaction, __: SubjectCreated, ___: EventMeta) -> None:
        raise RuntimeError

    async with relay_and_consumer(settings, key_ring, identity, {SubjectCreated: fail}):
        await emit(academic, subject())
        await consumed(settings)
    letters = DeadLetters("identity")
    async with identity.write(SYSTEM) as tx:
        [letter] = await letters.find(tx)
    async with identity.write(Binding(new_id(), Scope.SYSTEM)) as tx:
        assert await letters.find(tx) == []
        with pytest.raises(NotFound):
            await letters.discard(tx, letter.id, reason="not mine")
    async with identity.write(SYSTEM) as tx:
        await letters.discard(tx, letter.id, reason="a test")
        [discarded] = await letters.find(tx, status="DISCARDED")
    assert (discarded.id, discarded.reason) == (letter.id, "a test")


async def test_a_relay_that_dies_between_publish_and_mark_doubles_nothing(
    settings: Settings, academic: Database
) -> None:
    async def reached(count: int) -> bool:
        return await published(settings) >= count

    async def all_marked() -> bool:
        return unpublished(settings) == 0

    await emit(academic, *(subject() for _ in range(20)))
    async with broker(settings, "test") as js:
        stop = asyncio.Event()
        dying = Relay(settings, "academic", js)
        dying._mark = "select pg_terminate_backend(pg_backend_pid()) where %s is not null"
        async with running(dying.run(stop), stop=stop):
            await until(lambda: reached(20))
            await asyncio.sleep(0.2)
        assert unpublished(settings) == 20
        stop = asyncio.Event()
        async with running(Relay(settings, "academic", js).run(stop), stop=stop):
            await until(all_marked)
    assert await published(settings) == 20


async def test_two_relays_of_one_subgraph_take_turns(settings: Settings, academic: Database) -> None:
    async def reached(count: int) -> bool:
        return await published(settings) >= count

    async with broker(settings, "test") as js:
        stop = asyncio.Event()
        relays = [Relay(settings, "academic", js) for _ in range(2)]
        async with running(*(relay.run(stop) for relay in relays), stop=stop):
            await asyncio.sleep(0.3)
            locks = as_superuser(settings, "select count(*) from pg_locks where locktype = 'advisory' and granted")
            await emit(academic, *(subject() for _ in range(10)))
            await until(lambda: reached(10))
    assert locks == [(1,)]
    assert await published(settings) == 10


async def test_a_full_stream_refuses_and_the_outbox_holds(settings: Settings, academic: Database) -> None:
    async def all_marked() -> bool:
        return unpublished(settings) == 0

    small = settings.model_copy(update={"events_max_bytes": 20_000})
    async with broker(small, "test") as js:
        stop = asyncio.Event()
        async with running(Relay(small, "academic", js).run(stop), stop=stop):
            await emit(academic, *(subject() for _ in range(60)))
            await asyncio.sleep(1.5)
            assert 0 < unpublished(settings) < 60
        stop = asyncio.Event()
        async with running(Relay(settings, "academic", js).run(stop), stop=stop):  # room again
            await until(all_marked)
    assert await published(settings) == 60


async def test_a_changed_consumer_configuration_is_applied(
    settings: Settings, academic: Database, identity: Database, key_ring: KeyRing
) -> None:
    async with broker(settings, "test") as js:
        await ensure_stream(js, settings)
        old = ConsumerConfig(
            name="identity",
            durable_name="identity",
            ack_wait=77.0,
            filter_subjects=["events.*.academic.student.StudentCreated"],
        )
        await js.add_consumer(STREAM, old)

        async def reconciled() -> bool:
            return bool((await js.consumer_info(STREAM, "identity")).config.ack_wait != 77.0)

        event = subject()
        async with relay_and_consumer(settings, key_ring, identity, {SubjectCreated: count_times}):
            await until(reconciled)
            await emit(academic, event)
            await consumed(settings)
        config = (await js.consumer_info(STREAM, "identity")).config
    assert config.filter_subjects == ["events.*.academic.subject.SubjectCreated"]
    assert config.ack_wait == 10.0
    assert await seen(identity, TENANT) == {event.subject_id: (1, "seen")}


async def test_a_changed_stream_configuration_is_applied(settings: Settings) -> None:
    async with broker(settings, "test") as js:
        await ensure_stream(js, settings)
        await ensure_stream(js, settings.model_copy(update={"events_max_bytes": 5_000_000}))
        config = (await js.stream_info(STREAM)).config
    assert (config.max_bytes, config.max_age, config.discard, config.storage) == (5_000_000, 2_592_000.0, "new", "file")


@pytest.fixture
async def killable(settings: Settings, tmp_path: Path) -> AsyncIterator[tuple[Settings, Child]]:
    port = free_port()
    child = Child(nats_program(tmp_path / "nats", port=port), mark=tmp_path, log=tmp_path / "nats.log")
    start(child)
    yield settings.model_copy(update={"nats_url": f"nats://127.0.0.1:{port}"}), child
    child.stop()


def start(child: Child) -> None:
    child.program.prepare()
    child.spawn()
    child.await_ready(20)


async def test_a_broker_killed_on_the_way_loses_and_doubles_nothing(
    killable: tuple[Settings, Child], academic: Database, identity: Database, key_ring: KeyRing
) -> None:
    settings, child = killable
    events = [subject() for _ in range(300)]
    async with relay_and_consumer(settings, key_ring, identity, {SubjectCreated: count_times}):
        for number, event in enumerate(events):
            await emit(academic, event)
            if number in (60, 180):
                assert child.pid is not None
                os.kill(child.pid, signal.SIGKILL)
                child.reap(5)
                await asyncio.to_thread(start, child)
        await consumed(settings, 40)
    assert await seen(identity, TENANT) == {event.subject_id: (1, "seen") for event in events}
    assert len(set(await stream_bodies(settings))) == 300


async def test_connections_to_the_database_lost_on_the_way_lose_and_double_nothing(
    settings: Settings, academic: Database, identity: Database, key_ring: KeyRing
) -> None:
    events = [subject() for _ in range(200)]
    async with relay_and_consumer(settings, key_ring, identity, {SubjectCreated: count_times}):
        for number, event in enumerate(events):
            await emit(academic, event)
            if number % 40 == 20:
                as_superuser(
                    settings,
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                    " and application_name in ('wiyata-identity', 'wiyata-academic-relay')",
                )
        await consumed(settings, 40)
    assert await seen(identity, TENANT) == {event.subject_id: (1, "seen") for event in events}
    assert as_superuser(settings, "select count(*) from identity.dead_letters") == [(0,)]


async def test_a_worker_killed_on_the_way_loses_and_doubles_nothing(
    settings: Settings, academic: Database, identity: Database
) -> None:
    keys = {version: key.get_secret_value() for version, key in settings.key_encryption_keys.items()}
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("WIYATA_")},
        "WIYATA_DATABASE_URL": settings.database_url,
        "WIYATA_NATS_URL": settings.nats_url,
        "WIYATA_KEY_ENCRYPTION_KEYS": str(keys).replace("'", '"'),
    }

    async def worker() -> asyncio.subprocess.Process:
        module = "tests.libs.events.worker_process"
        return await asyncio.create_subprocess_exec(sys.executable, "-m", module, env=environment)

    async def under_way() -> bool:
        return len(await seen(identity, TENANT)) > 50

    events = [subject() for _ in range(400)]
    process = await worker()
    for number, event in enumerate(events):
        await emit(academic, event)
        if number in (150, 300):
            await until(under_way)
            process.kill()
            await process.wait()
            process = await worker()
    try:
        await consumed(settings, 60)
    finally:
        process.kill()
        await process.wait()
    assert await seen(identity, TENANT) == {event.subject_id: (1, "seen") for event in events}
    await wait_until_consumed(settings, subgraphs=["identity"])
