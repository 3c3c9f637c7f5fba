import asyncio
from datetime import date

import pytest

from libs.kernel import InvalidInput, NotFound, new_id
from subgraphs.academic.academic_year.operations import activate_semester
from subgraphs.academic.academic_year.rules import AcademicYearOverlaps
from tests.academic.world import World

NEXT = (date(2027, 7, 12), date(2028, 6, 24), date(2028, 1, 3))


async def test_a_year_comes_with_both_semesters(world: World, other_world: World):
    year = await world.year()
    halves = sorted(world.rows("semesters"), key=lambda row: row["number"])
    assert [(row["number"], row["name"], row["start_date"], row["end_date"]) for row in halves] == [
        (1, "Ganjil", date(2026, 7, 13), date(2027, 1, 3)),
        (2, "Genap", date(2027, 1, 4), date(2027, 6, 26)),
    ]
    (event,) = world.events("AcademicYearCreated")
    assert event["academic_year_id"] == str(year.id)
    assert [half["semester_id"] for half in event["semesters"]] == [str(row["id"]) for row in halves]
    assert other_world.rows("academic_years") == []


async def test_years_of_a_school_share_no_day_and_no_name(world: World, other_world: World):
    year = await world.year()
    last = year.end_date
    with pytest.raises(AcademicYearOverlaps) as refused:
        await world.year("2027", dates=(last, date(2028, 6, 1), date(2028, 1, 1)))
    assert refused.value.data == {"other_id": year.id, "name": "2026/2027"}
    with pytest.raises(InvalidInput) as taken:
        await world.year(dates=NEXT)
    assert [(fault.path, fault.code) for fault in taken.value.faults] == [("input.name", "TAKEN")]
    await world.year("2027/2028", dates=NEXT)
    await other_world.year()  # another school's years are its own
    assert [row["name"] for row in world.rows("academic_years")] == ["2026/2027", "2027/2028"]
    assert len(world.events("AcademicYearCreated")) == 2


async def test_of_two_years_that_race_for_the_same_days_one_wins(world: World):
    answers = await asyncio.gather(*(world.year(f"Year {n}") for n in range(4)), return_exceptions=True)
    (winner,) = [each for each in answers if not isinstance(each, Exception)]
    losers = [each for each in answers if isinstance(each, Exception)]
    assert [type(each) for each in losers] == [AcademicYearOverlaps] * 3
    assert {each.data["other_id"] for each in losers} == {winner.id}
    assert len(world.rows("academic_years")) == 1
    assert len(world.rows("semesters")) == 2


async def test_one_semester_of_the_school_is_active_and_its_year_with_it(world: World, other_world: World):
    first, then = await world.year(), await world.year("2027/2028", dates=NEXT)
    foreign = await other_world.year()
    async with other_world.write() as tx:
        await activate_semester(tx, semester_id=other_world.semester(foreign))
    for year, number in ((first, 1), (first, 2), (then, 1), (then, 1)):
        async with world.write() as tx:
            await activate_semester(tx, semester_id=world.semester(year, number))
    assert [row["id"] for row in world.rows("semesters") if row["is_active"]] == [world.semester(then)]
    assert [row["id"] for row in world.rows("academic_years") if row["is_active"]] == [then.id]
    assert [row["id"] for row in other_world.rows("academic_years") if row["is_active"]] == [foreign.id]
    assert len(world.events("SemesterActivated")) == 3  # the last one was active already


async def test_many_activations_at_once_leave_one(world: World):
    year = await world.year()

    async def activate(number: int) -> None:
        async with world.write() as tx:
            await activate_semester(tx, semester_id=world.semester(year, number))

    await asyncio.gather(*(activate(1 + n % 2) for n in range(10)))
    assert sum(row["is_active"] for row in world.rows("semesters")) == 1


async def test_another_schools_semester_is_not_found(world: World, other_world: World):
    foreign = await other_world.year()
    for semester_id in (other_world.semester(foreign), new_id()):
        with pytest.raises(NotFound):
            async with world.write() as tx:
                await activate_semester(tx, semester_id=semester_id)
    assert not any(row["is_active"] for row in other_world.rows("semesters"))
