import asyncio
from contextlib import suppress
from datetime import date, time, timedelta
from uuid import UUID

import pytest

from libs.db import TenantTransaction
from libs.events.contracts import academic
from libs.kernel import InvalidInput, NotFound, new_id
from subgraphs.operations.attendance.operations import Entry, Recorded, Recorder, record_class_attendance
from subgraphs.operations.attendance.rules import AttendanceStatus, Holiday, OutsideSemester
from subgraphs.operations.grading.rules import NotTeachingThisClass
from tests.operations.world import ODD, TODAY, YEAR, World

HOMEROOM, TEACHER, STRANGER = new_id(), new_id(), new_id()
OFFICE = Recorder(new_id(), any_class=True)
ABSENT, LATE, SICK = AttendanceStatus.ABSENT, AttendanceStatus.LATE, AttendanceStatus.SICK


async def scene(world: World) -> tuple[UUID, list[UUID]]:
    """A class of three, led by HOMEROOM, whose mathematics TEACHER teaches."""
    semester, _ = await world.year()
    class_id = await world.class_(homeroom=HOMEROOM)
    await world.subject(class_id, semester, teacher=TEACHER)
    return class_id, sorted(await world.pupils(3, class_id=class_id))


async def record(
    world: World,
    class_id: UUID,
    entries: dict[UUID, AttendanceStatus] | None = None,
    *,
    by: Recorder | UUID = HOMEROOM,
    day: date = TODAY,
    schedule_id: UUID | None = None,
) -> Recorded:
    recorder = by if isinstance(by, Recorder) else Recorder(by, any_class=False)
    async with world.write() as tx:
        return await record_in(tx, class_id, entries or {}, by=recorder, day=day, schedule_id=schedule_id)


async def record_in(
    tx: TenantTransaction,
    class_id: UUID,
    entries: dict[UUID, AttendanceStatus],
    *,
    by: Recorder,
    day: date,
    schedule_id: UUID | None = None,
) -> Recorded:
    return await record_class_attendance(
        tx,
        recorder=by,
        class_id=class_id,
        day=day,
        schedule_id=schedule_id,
        default=AttendanceStatus.PRESENT,
        entries=[Entry(student_id, status, None) for student_id, status in entries.items()],
        today=TODAY,
    )


def statuses(world: World) -> list[str]:
    return [row["status"] for row in world.rows("student_attendance", "student_id, source")]


async def test_a_class_is_marked_by_exception_and_the_same_again_changes_nothing(world: World, other_world: World):
    class_id, (ani, budi, _) = await scene(world)
    assert await record(world, class_id, {budi: SICK}) == Recorded(recorded=3, updated=0, unchanged=0)
    assert statuses(world) == ["PRESENT", "SICK", "PRESENT"]
    assert await record(world, class_id, {budi: SICK}, by=TEACHER) == Recorded(recorded=0, updated=0, unchanged=3)
    assert await record(world, class_id, {ani: LATE, budi: SICK}) == Recorded(recorded=0, updated=1, unchanged=2)
    assert [len(event["entries"]) for event in world.events("AttendanceRecorded")] == [3, 1]
    assert world.events("AttendanceRecorded")[1]["entries"] == [{"student_id": str(ani), "status": "LATE"}]
    assert statuses(other_world) == []


async def test_only_who_leads_or_teaches_the_class_or_the_office_marks_it(world: World, other_world: World):
    class_id, _ = await scene(world)
    with pytest.raises(NotTeachingThisClass):
        await record(world, class_id, by=STRANGER)
    with pytest.raises(NotFound):
        await record(other_world, class_id, by=OFFICE)
    assert statuses(world) == []
    for each in (HOMEROOM, TEACHER, OFFICE):
        await record(world, class_id, by=each)
    assert statuses(world) == ["PRESENT"] * 6  # the teacher's and the office's marks are both kept


async def test_who_teaches_a_class_marks_it_from_the_first_day_until_another_does_or_it_ends(world: World):
    semester, _ = await world.year()
    class_id = await world.class_()
    taught = await world.subject(class_id, semester, teacher=TEACHER)
    successor, first, over = new_id(), TODAY - timedelta(days=14), TODAY - timedelta(days=7)
    about = {"class_subject_id": taught, "class_id": class_id, "subject_id": new_id(), "semester_id": semester}
    await world.receive(
        academic.TeacherAssigned(**about, teacher_id=new_id(), user_id=successor, valid_from=first, valid_to=over)
    )
    may: dict[date, set[UUID]] = {}
    for day in (first - timedelta(days=1), first, over - timedelta(days=1), over):
        may[day] = set()
        for account in (TEACHER, successor):
            with suppress(NotTeachingThisClass):
                await record(world, class_id, by=account, day=day)
                may[day].add(account)
    assert list(may.values()) == [{TEACHER}, {successor}, {successor}, set()]


async def test_marked_is_who_sits_in_the_class_on_the_day(world: World):
    class_id, sitting = await scene(world)
    tomorrow = TODAY + timedelta(days=1)
    for days in ((YEAR[0], TODAY), (tomorrow, None)):
        await world.pupils(1, class_id=class_id, days=days)
    for days in ((YEAR[0], tomorrow), (TODAY, None)):
        sitting += await world.pupils(1, class_id=class_id, days=days)
    await record(world, class_id)
    assert {row["student_id"] for row in world.rows("student_attendance")} == set(sitting)


async def test_days_without_school_are_refused(world: World):
    class_id, _ = await scene(world)
    monday = TODAY - timedelta(days=1)
    await world.receive(
        academic.HolidayDeclared(holiday_id=new_id(), date=monday, name="Libur", affects_attendance=True),
        academic.HolidayDeclared(holiday_id=new_id(), date=TODAY, name="Upacara", affects_attendance=False),
    )
    refused = {
        monday: Holiday,
        TODAY - timedelta(days=2): Holiday,  # a Sunday
        ODD[0] - timedelta(days=1): OutsideSemester,
        TODAY + timedelta(days=1): InvalidInput,
    }
    for day, error in refused.items():
        with pytest.raises(error):
            await record(world, class_id, by=OFFICE, day=day)
    assert statuses(world) == []
    await record(world, class_id, by=OFFICE)


async def test_who_sits_in_another_class_is_no_entry(world: World):
    class_id, _ = await scene(world)
    (other,) = await world.pupils(1, class_id=await world.class_(name="X-2"))
    with pytest.raises(InvalidInput):
        await record(world, class_id, {other: SICK})
    assert statuses(world) == []


async def test_a_lesson_has_marks_of_its_own(world: World):
    class_id, (ani, *_) = await scene(world)
    lesson, elsewhere, later, ended = (new_id() for _ in range(4))
    for slot, where, day, is_active in (
        (lesson, class_id, TODAY.isoweekday(), True),
        (elsewhere, new_id(), TODAY.isoweekday(), True),
        (later, class_id, 5, True),
        (ended, class_id, TODAY.isoweekday(), False),
    ):
        await world.receive(
            academic.ScheduleUpdated(
                schedule_id=slot, class_subject_id=new_id(), class_id=where, subject_id=new_id(), semester_id=new_id(),
                teacher_id=None, day_of_week=day, start_time=time(7, 15), end_time=time(8, 45), is_active=is_active,
            )
        )  # fmt: skip
    await record(world, class_id)
    assert (await record(world, class_id, {ani: ABSENT}, schedule_id=lesson)).recorded == 3
    assert len(statuses(world)) == 6
    assert world.events("AbsenceNotified") == []  # the mark of the day holds
    for other in (elsewhere, later, ended):
        with pytest.raises(InvalidInput):
            await record(world, class_id, schedule_id=other)
    with pytest.raises(NotFound):
        await record(world, class_id, schedule_id=new_id())


async def test_absences_of_today_are_told_once_and_taken_back(world: World):
    class_id, (ani, budi, citra) = await scene(world)
    await record(world, class_id, {ani: ABSENT, budi: LATE, citra: SICK})
    told = world.events("AbsenceNotified")
    assert {(each["student_id"], each["status"], each["class_name"]) for each in told} == {
        (str(ani), "ABSENT", "X-1"),
        (str(budi), "LATE", "X-1"),
    }
    await record(world, class_id, {ani: ABSENT, budi: LATE, citra: SICK})
    assert len(world.events("AbsenceNotified")) == 2
    await record(world, class_id, {budi: LATE, citra: SICK})
    *_, back = world.events("AbsenceNotified")
    assert (back["student_id"], back["status"]) == (str(ani), "PRESENT")
    assert back["absence_id"] == next(each["absence_id"] for each in told if each["student_id"] == str(ani))
    await record(world, class_id, {budi: SICK}, by=OFFICE)  # the office's mark holds
    assert world.events("AbsenceNotified")[-1]["status"] == "SICK"


async def test_the_past_is_told_to_nobody(world: World):
    class_id, (ani, *_) = await scene(world)
    await record(world, class_id, {ani: ABSENT}, day=TODAY - timedelta(days=1))
    assert len(world.events("AttendanceRecorded")) == 1
    assert world.events("AbsenceNotified") == []


async def test_two_who_mark_a_class_at_once_leave_one_mark_each_pupil(world: World):
    class_id, (ani, budi, _) = await scene(world)
    done = await asyncio.gather(
        record(world, class_id, {ani: ABSENT}), record(world, class_id, {ani: ABSENT, budi: LATE}, by=TEACHER)
    )
    assert sum(each.recorded for each in done) == 3
    assert len(statuses(world)) == 3


async def waits_or_is_done(world: World, task: asyncio.Task[Recorded]) -> None:
    """Until a task has come to a lock that another transaction holds, or to its end."""
    waiting = (
        "select 1 from pg_locks join pg_stat_activity using (pid) where datname = current_database() and not granted"
    )
    while not task.done() and not await asyncio.to_thread(world.as_owner, "operations", waiting):
        await asyncio.wait([task], timeout=0.01)


@pytest.mark.parametrize("second", [TEACHER, OFFICE], ids=["a teacher", "the office"])
async def test_an_absence_that_somebody_else_corrects_at_once_is_taken_back(world: World, second: Recorder | UUID):
    class_id, (ani, *_) = await scene(world)
    async with world.write() as tx:
        first = Recorder(HOMEROOM, any_class=False)
        await record_in(tx, class_id, {ani: ABSENT}, by=first, day=TODAY)
        correction = asyncio.create_task(record(world, class_id, by=second))
        await waits_or_is_done(world, correction)
    await correction
    assert [each["status"] for each in world.events("AbsenceNotified")] == ["ABSENT", "PRESENT"]


async def test_an_absence_that_two_mark_at_once_is_told_once(world: World):
    class_id, (ani, *_) = await scene(world)
    async with world.write() as tx:
        await record_in(tx, class_id, {ani: ABSENT}, by=Recorder(HOMEROOM, any_class=False), day=TODAY)
        again = asyncio.create_task(record(world, class_id, {ani: ABSENT}, by=OFFICE))
        await waits_or_is_done(world, again)
    await again
    assert [each["status"] for each in world.events("AbsenceNotified")] == ["ABSENT"]
