from datetime import date

import pytest

from libs.kernel import InvalidInput, NotFound
from tests.academic.world import World


async def test_a_subject_of_a_class_is_made_once_and_keeps_who_taught_until_when(world: World, other_world: World):
    year = await world.year()
    class_, subject, semester = await world.class_(year), await world.subject(), world.semester(year)
    first, then = await world.teacher("First"), await world.teacher("Then")
    assigned = {
        (await world.assign(class_, subject, semester, teacher, today=day)).id
        for teacher, day in (
            (None, date(2026, 7, 1)),
            (first, date(2026, 7, 1)),
            (first, date(2026, 9, 1)),
            (None, date(2026, 9, 1)),
            (then, date(2026, 9, 1)),
        )
    }
    assert assigned == {row["id"] for row in world.rows("class_subjects")}
    history = [(row["teacher_id"], row["valid_from"], row["valid_to"]) for row in world.rows("teaching")]
    assert history == [
        (first.id, date(2026, 7, 13), date(2026, 9, 1)),
        (then.id, date(2026, 9, 1), date(2027, 1, 4)),
    ]
    assert len(world.events("SubjectAssignedToClass")) == 1
    assert [event["teacher_id"] for event in world.events("TeacherAssigned")] == [str(first.id), str(then.id)]
    assert other_world.rows("class_subjects") == []


async def test_a_teacher_who_never_taught_leaves_no_trace(world: World):
    year = await world.year()
    class_, subject, semester = await world.class_(year), await world.subject(), world.semester(year)
    for teacher in (await world.teacher("First"), await world.teacher("Then")):
        await world.assign(class_, subject, semester, teacher, today=date(2026, 7, 13))
    (row,) = world.rows("teaching")
    assert row["teacher_id"] == teacher.id
    assert row["valid_from"] == date(2026, 7, 13)


async def test_lessons_follow_the_teacher_unless_another_lesson_is_in_the_way(world: World):
    year = await world.year()
    one, two = await world.class_(year), await world.class_(year, "X-2")
    subject, semester = await world.subject(), world.semester(year)
    first, then = await world.teacher("First"), await world.teacher("Then")
    moved, busy = await world.assign(one, subject, semester, first), await world.assign(two, subject, semester, then)
    await world.slot(moved, 1, "07:00", "08:00")
    await world.slot(busy, 1, "07:30", "08:30")
    with pytest.raises(InvalidInput) as refused:
        await world.assign(one, subject, semester, then)
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [("input.teacherId", "SCHEDULE_CONFLICT")]
    assert {row["teacher_id"] for row in world.rows("teaching")} == {first.id, then.id}
    third = await world.teacher("Third")
    await world.assign(one, subject, semester, third)
    assert {row["teacher_id"] for row in world.rows("schedules")} == {third.id, then.id}


async def test_what_is_another_schools_or_another_years_is_refused(world: World, other_world: World):
    year, foreign = await world.year(), await other_world.year()
    following = await world.year("2027/2028", dates=(date(2027, 7, 12), date(2028, 6, 24), date(2028, 1, 3)))
    class_, subject, semester = await world.class_(year), await world.subject(), world.semester(year)
    with pytest.raises(InvalidInput):
        await world.assign(class_, subject, world.semester(following))
    strangers = (await other_world.class_(foreign), await other_world.subject(), other_world.semester(foreign))
    for position, stranger in enumerate(strangers):
        mine = [class_, subject, semester]
        mine[position] = stranger
        with pytest.raises(NotFound):
            await world.assign(*mine)
    with pytest.raises(NotFound):
        await world.assign(class_, subject, semester, await other_world.teacher())
    assert world.rows("class_subjects") == other_world.rows("class_subjects") == []
