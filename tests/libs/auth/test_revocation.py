"""Revocation over a real Valkey: in force in other processes after one poll, and never undone by Valkey's troubles."""

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from redis.asyncio import Redis

from deploy.local.engines import valkey
from deploy.local.ports import free_port
from deploy.local.programs import Child
from libs.auth import Revocations, Unauthenticated, Unavailable
from libs.kernel import new_id
from libs.settings import Settings


class Valkey:
    """A server of this module, which may be stopped, frozen and started again."""

    def __init__(self, folder) -> None:
        folder.mkdir(exist_ok=True)
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._child = Child(valkey(folder / "data", port=self.port), mark=folder, log=folder / "log")

    def start(self) -> None:
        self._child.program.prepare()
        self._child.spawn()
        self._child.await_ready(20)

    def stop(self) -> None:
        self._child.stop()

    def signal(self, number: signal.Signals) -> None:
        assert self._child.pid is not None
        os.kill(self._child.pid, number)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Valkey]:
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def store(server):
    async with Redis.from_url(server.url) as client:
        await client.flushall()
        yield client


class Moment:
    """A clock that stands until it is moved."""

    def __init__(self, now) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(now):
    return Moment(now)


@pytest.fixture
async def process(server, store, clock):
    """Makes a process: its own memory, its own connections, the common Valkey."""
    made = []

    def make() -> Revocations:
        made.append(Revocations(Settings(valkey_url=server.url), clock=clock))
        return made[-1]

    yield make
    for revocations in made:
        await revocations.close()


def accepts(revocations, actor, clock, *, mutation=False) -> bool:
    try:
        revocations.check(actor, mutation=mutation, now=clock())
    except Unauthenticated:
        return False
    return True


async def test_a_raised_version_ends_older_tokens_everywhere(process, make_actor, clock):
    identity, academic = process(), process()
    actor, other = make_actor(version=3), make_actor(version=3)
    await academic.poll()
    await identity.publish(actor.user_id, 4)
    assert not accepts(identity, actor, clock)
    assert accepts(academic, actor, clock)
    assert await academic.poll()
    for revocations in (identity, academic):
        assert not accepts(revocations, actor, clock)
        assert not accepts(revocations, actor, clock, mutation=True)
        assert accepts(revocations, replace(actor, version=4), clock)
        assert accepts(revocations, replace(actor, version=5), clock)
        assert accepts(revocations, other, clock)


async def test_an_ended_session_leaves_the_others_alone(process, make_actor, clock):
    identity, academic = process(), process()
    actor = make_actor()
    await identity.publish_session(actor.session_id)
    await academic.poll()
    for revocations in (identity, academic):
        assert not accepts(revocations, actor, clock)
        assert accepts(revocations, replace(actor, session_id=new_id()), clock)


async def test_the_highest_version_counts_in_any_order(process, make_actor, clock):
    identity, academic = process(), process()
    actor = make_actor(version=4)
    for version in (5, 3, 10, 9):
        await identity.publish(actor.user_id, version)
    await academic.poll()
    for revocations in (identity, academic):
        assert not accepts(revocations, replace(actor, version=9), clock)
        assert accepts(revocations, replace(actor, version=10), clock)


async def test_many_at_once_and_again(process, store, make_actor, clock):
    identity, academic = process(), process()
    actors = [make_actor(version=1) for _ in range(1000)]
    sessions = [actor.session_id for actor in actors[:10]]
    versions = {actor.user_id: 2 for actor in actors[10:]}
    await identity.publish_many(versions, sessions)
    await identity.publish_many(versions, sessions)
    await identity.publish_many({})
    assert await store.zcard("wiyata:revocations") == 1000
    await academic.poll()
    assert not any(accepts(academic, actor, clock) for actor in actors)


async def test_a_poll_reads_only_what_is_new(process, store, make_actor):
    identity, academic = process(), process()
    await identity.publish(new_id(), 2)
    await academic.poll()
    await store.zadd("wiyata:revocations", {"u:nonsense-that-would-raise:1": 1})
    assert await academic.poll()


async def test_a_flushed_valkey_takes_nothing_back_and_throws_nobody_out(process, store, make_actor, clock):
    identity, academic = process(), process()
    revoked, good = make_actor(), make_actor()
    await identity.publish(revoked.user_id, 4)
    await academic.poll()
    await store.flushall()
    assert await academic.poll()
    assert not accepts(academic, revoked, clock)
    assert accepts(academic, good, clock, mutation=True)


async def test_a_valkey_whose_clock_is_behind_is_read_whole(process, store, make_actor, clock):
    academic = process()
    actor = make_actor()
    await academic.poll()
    academic._valkey_time += 3_600_000_000  # what a server an hour ahead would have told before it was replaced
    await process().publish(actor.user_id, 4)
    await academic.poll()
    assert not accepts(academic, actor, clock)


async def test_entries_outlive_every_token_they_concern_and_no_longer(process, store, make_actor, clock):
    identity, academic = process(), process()
    actor = make_actor()
    await identity.publish(actor.user_id, 4)
    await identity.publish_session(actor.session_id)
    await academic.poll()
    await store.delete("wiyata:revocations")
    clock.move(959)
    await academic.poll()
    assert not accepts(academic, actor, clock)
    clock.move(1)
    await academic.poll()
    assert accepts(academic, actor, clock)
    assert (academic._versions, academic._sessions) == ({}, {})


async def test_valkey_drops_what_no_living_token_carries(process, store):
    identity = process()
    seconds, microseconds = await store.time()
    now = seconds * 1_000_000 + microseconds
    await store.zadd("wiyata:revocations", {"s:old": now - 961_000_000, "s:young": now - 950_000_000})
    session = new_id()
    await identity.publish_session(session)
    assert await store.zrange("wiyata:revocations", 0, -1) == [b"s:young", f"s:{session}".encode()]


async def test_before_the_first_poll_mutations_wait_and_reads_go_on(process, make_actor, clock):
    revocations = process()
    assert accepts(revocations, make_actor(), clock)
    with pytest.raises(Unavailable) as refusal:
        revocations.check(make_actor(), mutation=True, now=clock())
    assert refusal.value.code == "UNAVAILABLE"


async def test_without_valkey_mutations_fail_closed_after_ten_seconds(server, process, make_actor, clock):
    revocations, actor, revoked = process(), make_actor(), make_actor()
    await revocations.publish(revoked.user_id, 4)
    await revocations.poll()
    server.stop()
    try:
        clock.move(9.9)
        assert not await revocations.poll()
        assert accepts(revocations, actor, clock, mutation=True)
        with pytest.raises(Unavailable):
            await revocations.publish_session(actor.session_id)
        assert not accepts(revocations, actor, clock)  # in force here at once, said or not
        actor = make_actor()
        clock.move(0.1)
        with pytest.raises(Unavailable):
            revocations.check(actor, mutation=True, now=clock())
        assert accepts(revocations, actor, clock)
        assert not accepts(revocations, revoked, clock)
    finally:
        server.start()
    assert await revocations.poll()
    assert accepts(revocations, actor, clock, mutation=True)
    assert not accepts(revocations, revoked, clock)


async def test_a_valkey_that_hangs_is_given_up_in_time(server, process):
    revocations = process()
    await revocations.poll()
    server.signal(signal.SIGSTOP)
    try:
        async with asyncio.timeout(4):
            assert not await revocations.poll()
    finally:
        server.signal(signal.SIGCONT)
    assert await revocations.poll()


async def test_running_it_brings_what_others_publish_within_seconds(process, make_actor, clock):
    identity, academic = process(), process()
    actor, stop = make_actor(), asyncio.Event()
    task = asyncio.create_task(academic.run(stop))
    await identity.publish(actor.user_id, 4)
    async with asyncio.timeout(5):
        while accepts(academic, actor, clock):  # noqa: ASYNC110 - memory has no event to wait for
            await asyncio.sleep(0.05)
    stop.set()
    async with asyncio.timeout(1):
        await task
