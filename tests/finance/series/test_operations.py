import asyncio

import pytest

from subgraphs.finance.series.queries import take_numbers
from tests.finance.world import World


async def test_two_hundred_writers_get_two_hundred_numbers_in_a_row(world: World, other_world: World):
    async def take() -> int:
        async with world.write() as tx:
            return await take_numbers(tx, "INV/2026/08")

    numbers = await asyncio.gather(*(take() for _ in range(200)))
    assert sorted(numbers) == list(range(1, 201))
    async with other_world.write() as tx:
        assert await take_numbers(tx, "INV/2026/08") == 1


async def test_blocks_and_series_stand_beside_each_other(world: World):
    async with world.write() as tx:
        assert await take_numbers(tx, "INV/2026/08", 0) == 0
        assert await take_numbers(tx, "INV/2026/08", 2_000) == 2_000
        assert await take_numbers(tx, "INV/2026/08") == 2_001
        assert await take_numbers(tx, "INV/2026/09") == 1


async def test_a_rollback_gives_the_number_back(world: World):
    async def fail() -> None:
        async with world.write() as tx:
            assert await take_numbers(tx, "PAY/2026/08") == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with world.write() as tx:
        assert await take_numbers(tx, "PAY/2026/08") == 1
