"""Quotas of a school refuse where pupils and teachers are made, with the number used and allowed."""

import asyncio
from typing import Any

import pytest

from libs.events.contracts.identity import TenantUpdated
from libs.kernel import Quota, QuotaExceeded
from tests.academic.graph import Scene
from tests.academic.world import World

REFUSED = "... on QuotaExceeded { quota used allowed message }"


async def limit(world: World, sequence: int = 2, **quotas: int) -> None:
    """What the platform allows the school from now on."""
    await world.register(TenantUpdated, sequence, quotas=quotas)  # type: ignore[arg-type]


def line(number: int) -> str:
    return f"{number},,Murid {number},L,,,,,,"


async def test_a_teacher_too_many_is_refused_and_nothing_written(world: World, other_world: World) -> None:
    await limit(world, max_teachers=1)
    await world.teacher("Satu")
    before = world.events()
    with pytest.raises(QuotaExceeded) as refused:
        await world.teacher("Dua", email="dua@example.test")
    assert refused.value.data == {"quota": Quota.TEACHERS, "used": 1, "allowed": 1}
    assert (len(world.rows("teachers")), world.events()) == (1, before)
    for name in ("Satu", "Dua"):
        await other_world.teacher(name)
    await limit(world, 3)
    await world.teacher("Dua")
    await limit(world, 4, max_teachers=0)  # takes nothing away
    assert len(world.rows("teachers")) == 2


async def test_the_graph_tells_used_and_allowed(here: Scene) -> None:
    await limit(here.world, max_teachers=1)
    refused = await here.change("createTeacher", REFUSED, fullName="Dua")
    message = "Kuota guru sekolah tidak cukup: sudah terpakai 1 dari 1."
    told = {"quota": "TEACHERS", "used": 1, "allowed": 1, "message": message}
    assert {name: refused[name] for name in told} == told
    assert refused["code"] == "QUOTA_EXCEEDED"


@pytest.mark.parametrize("dry_run", [True, False])
async def test_an_import_that_is_too_long_names_the_quota_and_writes_nothing(world: World, dry_run: bool) -> None:
    await limit(world, max_students=2)
    year = await world.year()
    assert await world.import_(year, line(1)) == []
    before = world.events()
    (fault,) = await world.import_(year, line(1), line(2), line(3), dry_run=dry_run)
    assert (fault.path, fault.code) == ("input.file.text", "QUOTA_EXCEEDED")
    assert fault.message("en") == "The school's quota of pupils is not enough: 1 of 2 are used."
    assert (len(world.rows("students")), world.events()) == (1, before)
    assert await world.import_(year, line(1), line(2)) == []
    assert await world.import_(year, line(1), line(2)) == []  # adds nobody


async def test_who_has_left_takes_no_place(world: World) -> None:
    await limit(world, max_students=1)
    year = await world.year()
    await world.import_(year, line(1))
    world.as_owner("academic", "update academic.students set status = 'GRADUATED'")
    assert await world.import_(year, line(2)) == []
    assert len(await world.import_(year, line(3))) == 1


async def test_a_teacher_who_leaves_frees_a_place_and_needs_one_to_come_back(world: World) -> None:
    await limit(world, max_teachers=1)
    first = await world.teacher("Satu")
    await world.change_teacher(first.id, status="INACTIVE")
    second = await world.teacher("Dua")
    with pytest.raises(QuotaExceeded) as refused:
        await world.change_teacher(first.id, status="ACTIVE")
    assert refused.value.data == {"quota": Quota.TEACHERS, "used": 1, "allowed": 1}
    await world.change_teacher(first.id, full_name="Satu S.")  # takes no place
    await world.change_teacher(second.id, status="INACTIVE")
    await world.change_teacher(first.id, status="ACTIVE")
    assert [row["status"] for row in world.rows("teachers")] == ["ACTIVE", "INACTIVE"]


async def test_of_two_who_come_back_to_one_place_one_does(world: World) -> None:
    gone = [await world.teacher(f"Guru {at}") for at in range(4)]
    for each in gone:
        await world.change_teacher(each.id, status="INACTIVE")
    await limit(world, max_teachers=1)
    back = (world.change_teacher(each.id, status="ACTIVE") for each in gone)
    done: list[Any] = await asyncio.gather(*back, return_exceptions=True)
    assert sum(isinstance(each, QuotaExceeded) for each in done) == 3
    assert [row["status"] for row in world.rows("teachers")].count("ACTIVE") == 1


async def test_two_imports_at_once_do_not_pass_together(world: World, other_world: World) -> None:
    await limit(world, max_students=5)
    year = await world.year()
    files = [[line(10 * file + at) for at in range(3)] for file in range(4)]
    faults = await asyncio.gather(*(world.import_(year, *lines) for lines in files))
    assert sorted(map(len, faults)) == [0, 1, 1, 1]
    assert len(world.rows("students")) == 3
    assert other_world.rows("students") == []


async def test_of_those_who_take_the_last_place_at_once_one_gets_it(world: World) -> None:
    await limit(world, max_teachers=2)
    await world.teacher("Satu")
    done: list[Any] = await asyncio.gather(*(world.teacher(f"Guru {at}") for at in range(5)), return_exceptions=True)
    assert sum(isinstance(each, QuotaExceeded) for each in done) == 4
    assert len(world.rows("teachers")) == 2
