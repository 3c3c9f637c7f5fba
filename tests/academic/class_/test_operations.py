import asyncio

import pytest

from libs.kernel import InvalidInput, NotFound
from subgraphs.academic.class_.rules import NameTaken
from tests.academic.world import World


async def test_a_class_has_forty_seats_unless_told_otherwise(world: World, other_world: World):
    year = await world.year()
    plain, small = await world.class_(year), await world.class_(year, "X-2", seats=20)
    assert [(row["name"], row["max_students"], row["kind"]) for row in world.rows("classes")] == [
        ("X-1", 40, "REGULAR"),
        ("X-2", 20, "REGULAR"),
    ]
    assert [event["class_id"] for event in world.events("ClassCreated")] == [str(plain.id), str(small.id)]
    assert other_world.rows("classes") == []


async def test_a_name_is_taken_once_per_year_also_in_a_race(world: World, other_world: World):
    year, foreign = await world.year(), await other_world.year()
    answers = await asyncio.gather(*(world.class_(year) for _ in range(5)), return_exceptions=True)
    refused = [each for each in answers if isinstance(each, Exception)]
    assert [type(each) for each in refused] == [NameTaken] * 4
    assert refused[0].data == {"name": "X-1"}
    await other_world.class_(foreign)
    assert len(world.rows("classes")) == len(world.events("ClassCreated")) == 1


async def test_the_level_is_one_the_school_teaches(world: World):
    year = await world.year()
    with pytest.raises(InvalidInput):
        await world.class_(year, level=9)
    assert world.rows("classes") == []


async def test_another_schools_year_and_teacher_are_not_found(world: World, other_world: World):
    foreign = await other_world.year()
    with pytest.raises(NotFound):
        await world.class_(foreign)
    mine = await world.class_(await world.year())
    stranger, theirs = await other_world.teacher(), await other_world.class_(foreign)
    with pytest.raises(NotFound):
        await world.homeroom(mine, stranger)
    with pytest.raises(NotFound):
        await world.homeroom(theirs, await world.teacher())
    assert [row["homeroom_teacher_id"] for row in world.rows("classes") + other_world.rows("classes")] == [None, None]


async def test_a_homeroom_teacher_replaces_the_former_and_is_told_once(world: World):
    class_ = await world.class_(await world.year())
    first, then = await world.teacher("First"), await world.teacher("Then")
    for teacher in (first, first, then):
        await world.homeroom(class_, teacher)
    assert world.rows("classes")[0]["homeroom_teacher_id"] == then.id
    assert [event["teacher_id"] for event in world.events("HomeroomTeacherAssigned")] == [str(first.id), str(then.id)]
