"""The feed of subscriptions: what passes now, to its own school, within bounds, and never silently with a gap."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import nats
import pytest

from deploy.local.engines import Engines
from libs.crypto import KeyRing
from libs.events import EventMeta, Feed, FeedEnded
from libs.events.contracts.academic import SubjectCreated
from libs.events.envelope import event_type, pack, stream_subject
from libs.events.feed import MOST_WAITING
from libs.events.sealing import seal_event
from libs.kernel import new_id, utc_now
from libs.settings import Settings

TENANT, OTHER = new_id(), new_id()
SECONDS = 20  # until what must come is given up


@pytest.fixture
async def feed(settings: Settings, key_ring: KeyRing) -> AsyncIterator[Feed]:
    made, stop = Feed(settings, "test", key_ring), asyncio.Event()
    running = asyncio.create_task(made.run(stop))
    await asyncio.sleep(0.3)
    yield made
    stop.set()
    await running


def message(key_ring: KeyRing, name: str, tenant_id: UUID = TENANT) -> bytes:
    event = SubjectCreated(subject_id=new_id(), code="MTK", name=name, category="WAJIB")
    return pack(
        meta=EventMeta(new_id(), 1, utc_now(), tenant_id),
        subgraph="academic",
        type=event_type(SubjectCreated),
        subject_id=event.subject_id,
        traceparent=None,
        data=seal_event(key_ring, tenant_id, event),
    )


@pytest.fixture
async def client(engines: Engines) -> AsyncIterator[nats.NATS]:
    connected = await nats.connect(engines.nats_url)
    yield connected
    await connected.close()


async def test_a_school_is_told_its_own_and_nothing_unreadable(feed: Feed, key_ring: KeyRing, client: nats.NATS):
    """The tenant of the envelope counts, whatever subject it comes by."""
    subject = stream_subject(SubjectCreated, TENANT)
    async with feed.listen(SubjectCreated, TENANT) as told, feed.listen(SubjectCreated, TENANT) as told_too:
        await client.publish(stream_subject(SubjectCreated, OTHER), message(key_ring, "elsewhere", OTHER))
        await client.publish(subject, message(key_ring, "in disguise", OTHER))
        await client.publish(subject, b"{")
        await client.publish(subject, message(key_ring, "ours"))
        async with asyncio.timeout(SECONDS):
            heard = [await anext(each) for each in (told, told_too)]
    assert [(event.name, meta.tenant_id) for event, meta in heard] == [("ours", TENANT)] * 2


async def test_who_does_not_keep_up_is_dropped_and_the_others_go_on(feed: Feed, key_ring: KeyRing, client: nats.NATS):
    subject = stream_subject(SubjectCreated, TENANT)
    async with feed.listen(SubjectCreated, TENANT) as slow, feed.listen(SubjectCreated, TENANT) as quick:
        for number in range(MOST_WAITING + 1):
            await client.publish(subject, message(key_ring, str(number)))
            async with asyncio.timeout(SECONDS):
                assert (await anext(quick))[0].name == str(number)
        with pytest.raises(FeedEnded, match="SLOW_CLIENT"):
            await anext(slow)
        await client.publish(subject, message(key_ring, "next"))
        async with asyncio.timeout(SECONDS):
            assert (await anext(quick))[0].name == "next"


async def test_a_lost_connection_ends_who_listens(settings: Settings, key_ring: KeyRing):
    """What passes meanwhile comes to nobody: a feed that went on would hide the gap."""
    made, stop = Feed(settings, "test", key_ring), asyncio.Event()
    with pytest.raises(FeedEnded, match="UNAVAILABLE"):
        async with made.listen(SubjectCreated, TENANT):
            pass
    running = asyncio.create_task(made.run(stop))
    await asyncio.sleep(0.3)
    async with made.listen(SubjectCreated, TENANT) as told:
        stop.set()
        with pytest.raises(FeedEnded, match="UNAVAILABLE"):
            async with asyncio.timeout(SECONDS):
                await anext(told)
    await running


async def test_a_process_stops_while_there_is_no_broker(settings: Settings, key_ring: KeyRing):
    away, stop = settings.model_copy(update={"nats_url": "nats://127.0.0.1:1"}), asyncio.Event()
    running = asyncio.create_task(Feed(away, "test", key_ring).run(stop))
    await asyncio.sleep(0.1)
    stop.set()
    async with asyncio.timeout(SECONDS):
        await running
