import pytest

from tests.academic.graph import Scene

CREATED = """... on CreateScheduleSuccess { schedule {
    id dayOfWeek startTime endTime room classSubject { subject { code } class { name } } } }"""
WEEK = "query($class: ID, $teacher: ID, $semester: ID) { weeklySchedule(classId: $class, teacherId: $teacher, semesterId: $semester) { startTime room classSubject { class { name } } } }"


async def test_create_schedule_and_every_way_it_is_refused(here: Scene, there: Scene):
    values = {"classSubjectId": str(here.taught.id), "dayOfWeek": 1, "startTime": "07:00", "endTime": "07:45", "room": "Lab"}  # fmt: skip
    created = (await here.change("createSchedule", CREATED, **values))["schedule"]
    assert created == {
        "id": created["id"],
        "dayOfWeek": 1,
        "startTime": created["startTime"],
        "endTime": created["endTime"],
        "room": "Lab",
        "classSubject": {"subject": {"code": "MAT"}, "class": {"name": "X-1"}},
    }
    assert created["startTime"].startswith("07:00")
    answer = "... on ScheduleConflict { what with { id room } }"
    conflict = await here.change("createSchedule", answer, **values | {"startTime": "07:44", "endTime": "09:00"})
    assert (conflict["code"], conflict["what"]) == ("SCHEDULE_CONFLICT", "CLASS")
    assert conflict["with"] == {"id": created["id"], "room": "Lab"}
    wrong = await here.change("createSchedule", "", **values | {"dayOfWeek": 8})
    assert [(fault["path"], fault["code"]) for fault in wrong["fields"]] == [("input.dayOfWeek", "OUT_OF_RANGE")]
    backwards = await here.change("createSchedule", "", **values | {"endTime": "06:00"})
    assert [(fault["path"], fault["code"]) for fault in backwards["fields"]] == [("input.endTime", "OUT_OF_ORDER")]
    foreign = await here.change("createSchedule", "", **values | {"classSubjectId": str(there.taught.id)})
    assert foreign["code"] == "NOT_FOUND"
    for actor in ("principal", "teacher", "student", "parent", "finance_staff"):
        assert (await here.change("createSchedule", "", actor, **values))["code"] == "FORBIDDEN"
    assert len(here.world.rows("schedules")) == 1
    assert there.world.rows("schedules") == []


@pytest.mark.parametrize(
    ("actor", "seen"), [("principal", 3), ("school_admin", 3), ("teacher", 2), ("student", 2), ("parent", 2)]
)
async def test_the_week_of_those_one_may_see(here: Scene, there: Scene, actor: str, seen: int):
    other = await here.world.assign(here.classes[1], here.subject, here.semester, await here.world.teacher("Second"))
    later = await here.world.assign(here.classes[0], here.subject, here.world.semester(here.year, 2), here.teacher_row)
    await here.world.slot(here.taught, 2, "07:00", "08:00")
    await here.world.slot(here.taught, 1, "09:00", "10:00", "Lab")
    await here.world.slot(other, 3, "07:00", "08:00")
    await here.world.slot(later, 1, "11:00", "12:00")
    await there.world.slot(there.taught, 1, "07:00", "08:00", "Foreign")
    week = (await here.ask(WEEK, actor)).ok()["weeklySchedule"]
    assert [slot["classSubject"]["class"]["name"] for slot in week] == ["X-1", "X-1", "X-2"][:seen]
    assert week[0]["room"] == "Lab"
    assert len((await here.ask(WEEK, actor, teacher=str(here.teacher_row.id))).ok()["weeklySchedule"]) == 2
    assert len((await here.ask(WEEK, actor, **{"class": str(here.classes[1].id)})).ok()["weeklySchedule"]) == seen - 2
    assert (
        len((await here.ask(WEEK, actor, semester=str(here.world.semester(here.year, 2)))).ok()["weeklySchedule"]) == 1
    )
    for foreign in ({"class": there.classes[0].id}, {"teacher": there.teacher_row.id}, {"semester": there.semester}):
        arguments = {name: str(value) for name, value in foreign.items()}
        assert (await here.ask(WEEK, actor, **arguments)).ok()["weeklySchedule"] == []


async def test_finance_has_no_business_with_the_timetable(here: Scene):
    assert (await here.ask(WEEK, "finance_staff")).codes == ["FORBIDDEN"]
