"""From an outbox row to the effect in another subgraph: once each, in order, whatever is delivered how often."""

import asyncio
import random
from uuid import UUID

import nats
import psycopg
import pytest

from libs.crypto import KeyRing
from libs.db import Database, TenantTransaction
from libs.events import EventMeta, StillBehind, wait_until_consumed
from libs.events.broker import STREAM
from libs.events.contracts.academic import StudentCreated, SubjectCreated
from libs.events.contracts.identity import TenantUpdated
from libs.events.envelope import unpack
from libs.kernel import PLATFORM_TENANT_ID, Binding, Scope, new_id
from libs.settings import Settings
from libs.telemetry import current_trace, tracing
from tests.libs.events.running import count_times, keep_name, relay_and_consumer, seen
from tests.libs.events.test_outbox import CANARIES, student

TENANT, OTHER = new_id(), new_id()


def subject(subject_id: UUID | None = None, name: str = "Matematika") -> SubjectCreated:
    return SubjectCreated(subject_id=subject_id or new_id(), code="MTK", name=name, category="WAJIB")


async def emit(database: Database, *events: SubjectCreated | StudentCreated, tenant_id: UUID = TENANT) -> None:
    async with database.write(Binding(tenant_id, Scope.SYSTEM)) as tx:
        for event in events:
            tx.emit(event)


async def consumed(settings: Settings, seconds: float = 20.0) -> None:
    await wait_until_consumed(settings, timeout_seconds=seconds, subgraphs=["identity"])
    await wait_until_published(settings)


async def wait_until_published(settings: Settings) -> None:
    """The relay of academic runs without a consumer of its own."""
    url = settings.database_for("academic_relay")
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for _ in range(400):
            cursor = await connection.execute("select count(*) from academic.outbox where published_at is null")
            if await cursor.fetchone() == (0,):
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError("not published")
    await wait_until_consumed(settings, subgraphs=["identity"])


async def stream_bodies(settings: Settings) -> list[bytes]:
    client = await nats.connect(settings.nats_url)
    js = client.jetstream()
    state = (await js.stream_info(STREAM)).state
    bodies = [(await js.get_msg(STREAM, number)).data or b"" for number in range(state.first_seq, state.last_seq + 1)]
    await client.close()
    return bodies


async def test_an_event_has_its_effect_in_its_own_tenant(
    settings: Settings, academic: Database, identity: Database, key_ring: KeyRing
) -> None:
    mine, other = subject(), subject()
    async with relay_and_consumer(settings, key_ring, identity, {SubjectCreated: count_times}):
        await emit(academic, mine)
        await emit(academic, other, tenant_id=OTHER)
        await consumed(settings)
    assert await seen(identity, TENANT) == {mine.subject_id: (1, "seen")}
    assert await seen(identity, OTHER) == {other.subject_id: (1, "seen")}


async def test_a_person_travels_sealed_and_arrives_readable(
    settings: Settings, academic: Database, identity: Database, key_ring: KeyRing
) -> None:
    event = student()
    got: list[tuple[StudentCreated, EventMeta]] = []

    async def look(_: TenantTransaction, event: StudentCreated, meta: EventMeta) -> None:
        got.append((event, meta))

    async with relay_and_consumer(settings, key_ring, identity, {StudentCreated: look}):
        with tracing() as trace:
            await emit(academic, event)
        await consumed(settings)
    [(read, meta)] = got
    assert read == event
    assert meta.tenant_id == TENANT
    assert meta.sequence == 1
    [body] = await stream_bodies(settings)
    assert [canary for canary in CANARIES if canary.encode() in body] == []
    envelope = unpack(body)
    assert (envelope.meta, envelope.subject_id, envelope.traceparent) == (meta, event.student_id, str(trace))
    assert (envelope.type, envelope.source) == ("id.wiyata.academic.StudentCreated.v1", "/subgraphs/academic")


async def test_each_event_twice_and_in_any_order_has_one_effect(
    settings: Settings, academic: Database, identity: Database, key_ring: KeyRing
) -> None:
    ids = [new_id() for _ in range(10)]
    async with relay_and_consumer(settings, key_ring, identity, {SubjectCreated: keep_name}):
        for number in range(3):
            await emit(academic, *(subject(each, f"name {number}") for each in ids))
        await consumed(settings)
    bodies = await stream_bodies(settings)
    assert len(bodies) == 30
    clear = "truncate identity.notes, identity.inbox"
    with psycopg.connect(
        settings.database_admin_url.get_secret_value(), dbname=settings.database_url.rpartition("/")[2]
    ) as admin:
        admin.execute(clear)
    shuffled = [unpack(body) for body in bodies * 2]
    random.Random(7).shuffle(shuffled)
    async with relay_and_consumer(settings, key_ring, identity, {SubjectCreated: keep_name}, relays=()) as inbox:
        for start in range(0, 60, 7):
            assert await inbox.apply(shuffled[start : start + 7]) == {}
        counting = shuffled[:]
        assert await inbox.apply(counting) == {}
    assert await seen(identity, TENANT) == dict.fromkeys(ids, (1, "name 2"))


async def test_events_of_one_aggregate_arrive_in_order(
    settings: Settings, academic: Database, identity: Database, key_ring: KeyRing
) -> None:
    ids = [new_id() for _ in range(4)]
    order: dict[UUID, list[str]] = {each: [] for each in ids}
    failed: set[UUID] = set()

    async def look(_: TenantTransaction, event: SubjectCreated, __: EventMeta) -> None:
        if event.name == "003" and event.subject_id not in failed:
            failed.add(event.subject_id)
            raise RuntimeError
        order[event.subject_id].append(event.name)

    async with relay_and_consumer(settings, key_ring, identity, {SubjectCreated: look}):
        for number in range(50):
            await emit(academic, *(subject(each, f"{number:03}") for each in ids))
        await consumed(settings)
    expected = [f"{number:03}" for number in range(50)]
    # an operation may have run before its transaction rolled back: what counts is the last run of each
    for names in order.values():
        assert [name for index, name in enumerate(names) if name not in names[index + 1 :]] == expected


async def test_what_an_operation_emits_carries_the_trace_of_its_own_event(
    settings: Settings, academic: Database, identity: Database, key_ring: KeyRing
) -> None:
    async def echo(tx: TenantTransaction, event: SubjectCreated, _: EventMeta) -> None:
        trace = current_trace.get()
        assert trace is not None
        tx.emit(
            TenantUpdated(
                tenant_id=event.subject_id, slug=trace.trace_id, name="", npsn=None, level="SMA", timezone="", status=""
            )
        )

    traces: dict[UUID, str] = {}
    for _ in range(3):
        event = subject()
        with tracing() as trace:
            await emit(academic, event)
        traces[event.subject_id] = trace.trace_id
    async with relay_and_consumer(
        settings, key_ring, identity, {SubjectCreated: echo}, relays=("academic", "identity")
    ):
        await consumed(settings)
    echoes = [unpack(body) for body in await stream_bodies(settings)][3:]
    assert {each.subject_id: each.data["slug"] for each in echoes} == traces
    assert {each.subject_id: (each.traceparent or "").split("-")[1] for each in echoes} == traces


async def test_the_platform_emits_for_a_school(
    settings: Settings, academic: Database, identity: Database, key_ring: KeyRing
) -> None:
    event = subject()
    async with relay_and_consumer(settings, key_ring, identity, {SubjectCreated: count_times}):
        async with academic.write(Binding(PLATFORM_TENANT_ID, Scope.SYSTEM)) as tx:
            tx.emit(event, tenant_id=OTHER)
        await consumed(settings)
    assert await seen(identity, OTHER) == {event.subject_id: (1, "seen")}
    assert await seen(identity, PLATFORM_TENANT_ID) == {}


async def test_waiting_names_what_lags(settings: Settings, academic: Database) -> None:
    await emit(academic, subject())
    with pytest.raises(StillBehind, match="academic: 1 not published"):
        await wait_until_consumed(settings, timeout_seconds=0.1, subgraphs=["academic"])
