import asyncio
from dataclasses import dataclass

import pytest

from libs.kernel import InvalidInput, NotFound
from subgraphs.academic.class_subject.model import ClassSubject
from subgraphs.academic.schedule.rules import Busy, ScheduleConflict
from tests.academic.world import World


@dataclass
class Timetable:
    """Class one has maths by the first teacher, class two by the second one, class three by the first."""

    one: ClassSubject
    two: ClassSubject
    three: ClassSubject


async def timetable(world: World) -> Timetable:
    year = await world.year()
    subject, semester = await world.subject(), world.semester(year)
    first, then = await world.teacher("First"), await world.teacher("Then")
    classes = [await world.class_(year, f"X-{n}") for n in range(3)]
    taught = [
        await world.assign(class_, subject, semester, teacher)
        for class_, teacher in zip(classes, (first, then, first), strict=True)
    ]
    return Timetable(*taught)


async def test_a_lesson_makes_its_room_and_touching_lessons_do_not_collide(world: World, other_world: World):
    taught = await timetable(world)
    await world.slot(taught.one, 1, "07:00", "07:45", "Lab")
    await world.slot(taught.one, 1, "07:45", "08:30", "Lab")
    await world.slot(taught.one, 2, "07:00", "07:45", "Lab")
    await world.slot(taught.two, 1, "07:00", "07:45")
    assert [row["name"] for row in world.rows("rooms")] == ["Lab"]
    assert len(world.rows("schedules")) == 4
    event = world.events("ScheduleUpdated")[0]
    assert (event["day_of_week"], event["start_time"], event["room"]) == (1, "07:00:00", "Lab")
    assert event["teacher_id"] == str(world.rows("teachers")[0]["id"])
    assert other_world.rows("schedules") == other_world.rows("rooms") == []


@pytest.mark.parametrize(
    ("taught", "room", "what"),
    [("one", None, Busy.CLASS), ("three", None, Busy.TEACHER), ("two", "Lab", Busy.ROOM)],
)
async def test_a_collision_names_the_slot_in_the_way(world: World, taught: str, room: str | None, what: Busy):
    subjects = await timetable(world)
    await world.slot(subjects.one, 1, "06:00", "07:00", "Lab")
    there = await world.slot(subjects.one, 1, "07:00", "08:00", "Lab")
    for start, end in (("07:59", "09:00"), ("07:10", "07:20"), ("07:00", "08:00"), ("07:00", "09:00")):
        with pytest.raises(ScheduleConflict) as refused:
            await world.slot(getattr(subjects, taught), 1, start, end, room)
        assert refused.value.data == {"what": what, "schedule_id": there.id}
    assert len(world.rows("schedules")) == len(world.events("ScheduleUpdated")) == 2
    await world.slot(getattr(subjects, taught), 1, "08:00", "09:00", room)


async def test_of_overlapping_lessons_that_race_one_wins(world: World):
    taught = await timetable(world)
    slots = [(taught.one, "07:00", "08:00"), (taught.three, "07:30", "08:30")] * 3
    answers = await asyncio.gather(
        *(world.slot(subject, 3, start, end) for subject, start, end in slots), return_exceptions=True
    )
    refused = [each for each in answers if isinstance(each, Exception)]
    assert [type(each) for each in refused] == [ScheduleConflict] * 5
    assert len(world.rows("schedules")) == 1


async def test_wrong_times_and_foreign_subjects_are_refused(world: World, other_world: World):
    mine, theirs = await timetable(world), await timetable(other_world)
    with pytest.raises(InvalidInput) as refused:
        await world.slot(mine.one, 9, "08:00", "07:00", "New room")
    assert [fault.path for fault in refused.value.faults] == ["input.dayOfWeek", "input.endTime"]
    with pytest.raises(NotFound):
        await world.slot(theirs.one, 1, "07:00", "08:00", "New room")
    await other_world.slot(theirs.one, 1, "07:00", "08:00", "Lab")
    await world.slot(mine.one, 1, "07:00", "08:00", "Lab")  # other schools' lessons are never in the way
    assert [row["name"] for row in world.rows("rooms")] == ["Lab"]
