import asyncio
from datetime import date

import pytest

from libs.kernel import InvalidInput, NotFound
from subgraphs.academic.enrollment.rules import AlreadyEnrolled, ClassFull
from tests.academic.world import TODAY, World


async def test_a_pupil_sits_in_the_class_until_the_year_is_over(world: World, other_world: World):
    year = await world.year()
    class_ = await world.class_(year)
    (student,) = await world.students(year, 1)
    enrollment = await world.enroll(class_, student)
    (row,) = world.rows("enrollments")
    assert (row["valid_from"], row["valid_to"], row["status"]) == (TODAY, date(2027, 6, 27), "ACTIVE")
    assert world.rows("classes")[0]["enrolled_count"] == 1
    (event,) = world.events("StudentEnrolled")
    assert event["enrollment_id"] == str(enrollment.id)
    assert event["valid_to"] == "2027-06-27"
    assert other_world.rows("enrollments") == []


async def test_the_last_seat_goes_to_exactly_one_of_fifty(world: World):
    year = await world.year()
    class_ = await world.class_(year, seats=3)
    students = await world.students(year, 52)
    for student in students[:2]:
        await world.enroll(class_, student)
    answers = await asyncio.gather(*(world.enroll(class_, each) for each in students[2:]), return_exceptions=True)
    refused = [each for each in answers if isinstance(each, Exception)]
    assert [(type(each), each.data) for each in refused] == [(ClassFull, {"capacity": 3})] * 49
    assert world.rows("classes")[0]["enrolled_count"] == len(world.rows("enrollments")) == 3
    assert len(world.events("StudentEnrolled")) == 3


async def test_a_pupil_has_one_regular_class_at_a_time(world: World):
    year = await world.year()
    first, second = await world.class_(year), await world.class_(year, "X-2", seats=1)
    (student,) = await world.students(year, 1)
    await world.enroll(first, student)
    for class_ in (first, second):
        with pytest.raises(AlreadyEnrolled) as refused:
            await world.enroll(class_, student, since=date(2026, 8, 1))
        assert refused.value.data == {"class_id": first.id, "name": "X-1"}
    assert [row["enrolled_count"] for row in world.rows("classes")] == [1, 0]
    following = await world.year("2027/2028", dates=(date(2027, 6, 27), date(2028, 6, 24), date(2028, 1, 3)))
    await world.enroll(await world.class_(following, "XI-1", level=11), student)
    assert len(world.rows("enrollments")) == 2


async def test_of_two_classes_that_race_for_a_pupil_one_wins(world: World):
    year = await world.year()
    classes = [await world.class_(year, f"X-{n}") for n in range(4)]
    (student,) = await world.students(year, 1)
    answers = await asyncio.gather(*(world.enroll(each, student) for each in classes), return_exceptions=True)
    refused = [each for each in answers if isinstance(each, Exception)]
    assert [type(each) for each in refused] == [AlreadyEnrolled] * 3
    assert len(world.rows("enrollments")) == 1
    assert sum(row["enrolled_count"] for row in world.rows("classes")) == 1


async def test_a_full_class_tells_its_own_pupils_that_they_sit_there(world: World):
    year = await world.year()
    class_ = await world.class_(year, seats=1)
    (student,) = await world.students(year, 1)
    await world.enroll(class_, student)
    with pytest.raises(AlreadyEnrolled):
        await world.enroll(class_, student)


async def test_what_is_not_there_or_not_in_the_year_is_refused(world: World, other_world: World):
    year, foreign = await world.year(), await other_world.year()
    mine, theirs = await world.class_(year), await other_world.class_(foreign)
    (student,) = await world.students(year, 1)
    (stranger,) = await other_world.students(foreign, 1)
    with pytest.raises(NotFound):
        await world.enroll(mine, stranger)
    with pytest.raises(NotFound):
        await world.enroll(theirs, student)
    with pytest.raises(InvalidInput) as refused:
        await world.enroll(mine, student, since=date(2026, 7, 12))
    assert refused.value.faults[0].path == "input.from"
    assert world.rows("enrollments") == other_world.rows("enrollments") == []
