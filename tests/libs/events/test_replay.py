"""Replay brings back what was lost, snapshot rebuilds a projection from nothing; the operator's command does both."""

from collections.abc import AsyncGenerator

import psycopg

from libs.crypto import KeyRing
from libs.db import Database, TenantTransaction
from libs.events import Event, EventMeta, Inbox, broker, replay, snapshot
from libs.events.contracts.academic import SubjectCreated
from libs.kernel import new_id
from libs.settings import Settings
from tests.libs.events.running import count_times, keep_name, relay_and_consumer, seen
from tests.libs.events.test_flow import OTHER, TENANT, consumed, emit, subject


def forget(settings: Settings, statement: str) -> None:
    name = settings.database_url.rpartition("/")[2]
    with psycopg.connect(settings.database_admin_url.get_secret_value(), dbname=name) as connection:
        connection.execute(statement)


async def test_replay_brings_back_what_a_restored_backup_lacks_and_nothing_else(
    settings: Settings, academic: Database, identity: Database, key_ring: KeyRing
) -> None:
    events = [subject() for _ in range(100)]
    async with relay_and_consumer(settings, key_ring, identity, {SubjectCreated: count_times}):
        await emit(academic, *events)
        await consumed(settings)
    lost = events[70:]
    ids = ", ".join(f"'{event.subject_id}'" for event in lost)
    forget(settings, f"delete from identity.notes where id in ({ids})")
    forget(
        settings,
        f"delete from identity.inbox where event_id in (select id from academic.outbox where aggregate_id in ({ids}))",
    )
    inbox = Inbox(identity, {SubjectCreated: count_times}, key_ring)
    async with broker(settings, "test") as js:
        assert await replay(js, identity, inbox, sequence=61) == 40
        assert await replay(js, identity, inbox) == 100
    assert await seen(identity, TENANT) == {event.subject_id: (1, "seen") for event in events}


async def test_replay_buries_what_fails(
    settings: Settings, academic: Database, identity: Database, key_ring: KeyRing
) -> None:
    async def fail(_: TenantTransaction, __: SubjectCreated, ___: EventMeta) -> None:
        raise RuntimeError

    async with relay_and_consumer(settings, key_ring, identity, {}):
        pass
    async with relay_and_consumer(settings, key_ring, identity, {SubjectCreated: count_times}):
        await emit(academic, subject())
        await consumed(settings)
    forget(settings, "truncate identity.inbox")
    async with broker(settings, "test") as js:
        assert await replay(js, identity, Inbox(identity, {SubjectCreated: fail}, key_ring)) == 1
    assert await letters(settings) == 1


async def letters(settings: Settings) -> int:
    name = settings.database_url.rpartition("/")[2]
    with psycopg.connect(settings.database_admin_url.get_secret_value(), dbname=name) as connection:
        row = connection.execute("select count(*) from identity.dead_letters").fetchone()
    assert row
    return int(row[0])


async def test_a_snapshot_rebuilds_a_projection_and_gives_way_to_what_is_newer(
    settings: Settings, academic: Database, identity: Database, key_ring: KeyRing
) -> None:
    mine, other = new_id(), new_id()
    state = {TENANT: (mine, "mine"), OTHER: (other, "other")}

    async def tell(tx: TenantTransaction) -> AsyncGenerator[Event, None]:
        subject_id, name = state[tx.tenant_id]
        yield subject(subject_id, name)

    async with relay_and_consumer(settings, key_ring, identity, {SubjectCreated: keep_name}):
        assert await snapshot(academic, {"subject": tell}, [TENANT, OTHER]) == 2
        await emit(academic, subject(mine, "renamed"))
        await consumed(settings)
        assert await seen(identity, TENANT) == {mine: (1, "renamed")}
        assert await seen(identity, OTHER) == {other: (1, "other")}
        forget(settings, "truncate identity.notes")
        state[TENANT] = (mine, "renamed")
        assert await snapshot(academic, {"subject": tell}, [TENANT], aggregate="subject") == 1
        await consumed(settings)
    assert await seen(identity, TENANT) == {mine: (1, "renamed")}
    assert await seen(identity, OTHER) == {}
