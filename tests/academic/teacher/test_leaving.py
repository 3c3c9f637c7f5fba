"""A teacher who leaves: what the school is seen to use follows, and the place can be given to somebody else."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from libs.events.contracts.identity import TenantUpdated
from libs.kernel import QuotaExceeded
from libs.settings import Settings
from libs.testing import GraphClient, actor_of, envelopes_of
from subgraphs.identity.app import create_app, create_worker
from tests.academic.world import World

USAGE = "{ tenant { usage { teachers } } }"


@pytest.fixture
async def used(world: World, settings: Settings) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """`await used()`: the teachers that count, by identity's graph, once identity has heard everything."""
    worker = create_worker(settings)
    async with GraphClient(create_app(settings), settings) as graph:

        async def ask() -> int:
            told = world.as_owner("academic", "select * from academic.outbox order by sequence")
            assert await worker.inbox.apply(envelopes_of("academic", told)) == {}
            answer = (await graph(USAGE, actor=actor_of("school_admin", world.tenant_id))).ok()
            return int(answer["tenant"]["usage"]["teachers"])

        yield ask
    await worker.database.close()


async def test_who_leaves_counts_no_more_and_who_comes_back_counts_again(
    world: World, other_world: World, used: Callable[[], Awaitable[int]]
) -> None:
    await world.register(TenantUpdated, 2, quotas={"max_teachers": 2})  # type: ignore[arg-type]
    first = await world.teacher("Satu", email="satu@example.test")
    await world.teacher("Dua")
    await other_world.teacher("Lain")
    assert await used() == 2
    await world.change_teacher(first.id, status="INACTIVE")
    assert await used() == 1
    third = await world.teacher("Tiga")
    assert await used() == 2
    with pytest.raises(QuotaExceeded):
        await world.change_teacher(first.id, status="ACTIVE")
    await world.change_teacher(third.id, status="INACTIVE")
    await world.change_teacher(first.id, status="ACTIVE")
    assert await used() == 2
