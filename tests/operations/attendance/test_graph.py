"""Attendance in the graph."""

from libs.kernel import new_id
from libs.testing import actor_of
from subgraphs.operations.attendance.rules import AttendanceStatus
from tests.operations.attendance.scene import Scene, terms
from tests.operations.world import World

SUMMARY = "attendanceSummary { present absent late excused sick days }"
NOTHING = {"present": 0, "absent": 0, "late": 0, "excused": 0, "sick": 0, "days": 0}


async def test_a_day_counts_once_and_the_offices_mark_holds(here: Scene):
    sick, late = AttendanceStatus.SICK, AttendanceStatus.LATE
    await here.mark((0, 1, AttendanceStatus.PRESENT), (0, 2, late), (0, 3, sick), (1, 1, AttendanceStatus.ABSENT))
    await here.mark((0, 1, sick), (0, 2, AttendanceStatus.ABSENT), by_office=False)  # later, and still not what counts
    first, second, third = await here.pupils(SUMMARY, "principal")
    assert first["attendanceSummary"] == NOTHING | {"present": 1, "late": 1, "sick": 1, "days": 3}
    assert second["attendanceSummary"] == NOTHING | {"absent": 1, "days": 1}
    assert third["attendanceSummary"] == NOTHING
    days = f'from: "{here.day(2)}", to: "{here.day(2)}"'
    ranged = await here.pupils(f"attendanceSummary({days}) {{ late days }}", "principal")
    assert ranged[0]["attendanceSummary"] == {"late": 1, "days": 1}
    coming = await here.pupils(f'attendanceSummary(semesterId: "{here.semesters[1]}") {{ days }}', "principal")
    assert [each["attendanceSummary"]["days"] for each in coming] == [0, 0, 0]
    marks = await here.pupils("attendance(first: 2) { totalCount nodes { date status } }", "principal")
    assert marks[0]["attendance"]["totalCount"] == 5
    newest = [{"date": str(here.day(1)), "status": status} for status in ("PRESENT", "SICK")]
    assert sorted(marks[0]["attendance"]["nodes"], key=lambda each: each["status"]) == newest


async def test_everybody_sees_what_is_theirs_to_see(here: Scene):
    await here.mark(*((at, 1, AttendanceStatus.ABSENT) for at in range(3)))
    seen = {
        "principal": [1, 1, 1],
        "school_admin": [1, 1, 1],
        "homeroom": [1, 1, None],
        "teacher": [None, None, None],
        "student": [1, None, None],
        "parent": [1, None, None],
        "parent of siblings": [1, None, 1],
    }
    school = here.world.tenant_id
    siblings = (here.students[0], here.students[2])
    here.actors["parent of siblings"] = actor_of("parent", school, student_ids=siblings)
    for actor, expected in seen.items():
        told = await here.pupils(f"{SUMMARY} attendance {{ totalCount }}", actor)
        days = [each["attendanceSummary"] and each["attendanceSummary"]["days"] for each in told]
        assert (actor, days) == (actor, expected)
        assert [each["attendance"]["totalCount"] for each in told] == [each or 0 for each in expected]
    keys = [{"__typename": "Student", "id": str(here.students[0])}]
    query = f"query($keys: [_Any!]!) {{ _entities(representations: $keys) {{ ... on Student {{ {SUMMARY} }} }} }}"
    assert "FORBIDDEN" in (await here.ask(query, "finance_staff", keys=keys)).codes


async def test_another_school_sees_and_marks_nothing(here: Scene, other_world: World):
    await here.mark((0, 0, AttendanceStatus.PRESENT))
    await other_world.year(*terms(here.day(0)))
    for role in ("principal", "school_admin"):
        here.actors[role] = actor_of(role, other_world.tenant_id)
    (told, *_) = await here.pupils(f"{SUMMARY} attendance {{ totalCount }}", "principal")
    assert told == {"attendanceSummary": NOTHING, "attendance": {"totalCount": 0}}
    assert (await here.record("school_admin"))["code"] == "NOT_FOUND"
    figures = await here.ask("{ attendanceAggregates { count } }", "principal")
    assert [each["count"] for each in figures.ok()["attendanceAggregates"]] in ([], [0])
    assert len(here.world.rows("student_attendance")) == 1


async def test_figures_count_what_the_actor_sees(here: Scene):
    await here.mark((0, 1, AttendanceStatus.SICK), (1, 1, AttendanceStatus.SICK), (2, 1, AttendanceStatus.SICK))
    for actor, count in (("principal", 3), ("homeroom", 2)):
        asked = await here.ask("{ attendanceAggregates(groupBy: [STATUS]) { keys { status } count } }", actor)
        assert asked.ok()["attendanceAggregates"] == [{"keys": {"status": "SICK"}, "count": count}]
    assert "FORBIDDEN" in (await here.ask("{ attendanceAggregates { count } }", "parent")).codes


async def test_a_variable_that_is_null_is_one_that_is_not_said(here: Scene):
    await here.mark((0, 1, AttendanceStatus.SICK))
    query = (
        "query($keys: [_Any!]!, $semester: ID, $from: Date, $to: Date) { _entities(representations: $keys) {"
        " ... on Student { attendanceSummary(semesterId: $semester, from: $from, to: $to) { days } } } }"
    )
    keys = [{"__typename": "Student", "id": str(here.students[0])}]
    for given, days in (({}, 1), ({"to": None, "from": None, "semester": None}, 1), ({"to": str(here.day(60))}, 0)):
        asked = await here.ask(query, "principal", keys=keys, **given)
        assert asked.ok()["_entities"] == [{"attendanceSummary": {"days": days}}]


async def test_present_today_is_for_who_leads_the_school(here: Scene):
    await here.mark((0, 0, AttendanceStatus.PRESENT), (1, 0, AttendanceStatus.LATE), (2, 0, AttendanceStatus.SICK))
    keys = [{"__typename": "SchoolOverview", "id": str(here.world.tenant_id)}]
    query = "query($keys: [_Any!]!) { _entities(representations: $keys) { ... on SchoolOverview { presentToday } } }"
    assert (await here.ask(query, "principal", keys=keys)).ok()["_entities"] == [{"presentToday": 2}]
    assert "FORBIDDEN" in (await here.ask(query, "teacher", keys=keys)).codes


async def test_every_answer_of_recording(here: Scene):
    day = next(day for day in (here.day(0), here.day(1)) if day.isoweekday() != 7)
    done = {"__typename": "RecordClassAttendanceSuccess", "recorded": 2, "updated": 0, "unchanged": 0}
    assert await here.record("homeroom", day) == done
    assert (await here.record("homeroom", day))["unchanged"] == 2
    assert (await here.record("teacher", day))["code"] == "NOT_TEACHING_THIS_CLASS"
    assert (await here.record("parent", day))["code"] == "FORBIDDEN"
    assert (await here.record("school_admin", day))["recorded"] == 2  # the office's marks beside the teacher's
    assert (await here.record("homeroom", here.day(67)))["__typename"] == "OutsideSemester"
    sunday = here.day(here.day(0).isoweekday())
    assert (await here.record("homeroom", sunday))["name"] == "Minggu"
    assert (await here.record("homeroom", day, classId=str(new_id())))["code"] == "NOT_FOUND"
    tomorrow = await here.record("homeroom", here.day(-1))
    assert tomorrow["fields"] == [{"path": "input.date", "code": "FUTURE"}]
    stranger = [{"studentId": str(here.students[2]), "status": "SICK"}]
    refused = await here.record("homeroom", day, entries=stranger)
    assert refused["fields"] == [{"path": "input.entries[0].studentId", "code": "NOT_FOUND"}]
    assert len(here.world.rows("student_attendance")) == 4


async def test_a_school_that_keeps_no_attendance_hides_it(here: Scene):
    here.world.as_owner(
        "operations", "update operations.tenants set features = '{}' where id = %s", (here.world.tenant_id,)
    )
    recording = f'recordClassAttendance(input: {{classId: "{here.classes[0]}", date: "{here.day(0)}", entries: []}})'
    for field in ('importAttendance(input: {file: {text: "x"}})', recording):
        answer = await here.ask(f"mutation {{ {field} {{ __typename }} }}", "school_admin")
        assert answer.codes == ["FEATURE_DISABLED"]
    assert here.world.rows("student_attendance") == []


async def test_an_import_is_asked_for_and_followed(here: Scene):
    text = f"""nis,date,status\n0000,{here.day(0)},PRESENT\n"""
    query = (
        "mutation($input: ImportAttendanceInput!) { importAttendance(input: $input) {"
        " ... on ImportAttendanceSuccess { job { id kind status } } ... on UserError { code } } }"
    )
    job = (await here.ask(query, "school_admin", input={"file": {"text": text}})).ok()["importAttendance"]["job"]
    assert (job["kind"], job["status"]) == ("IMPORT_ATTENDANCE", "QUEUED")
    followed = f'{{ operationsJob(id: "{job["id"]}") {{ id }} }}'
    assert (await here.ask(followed, "school_admin")).ok()["operationsJob"] == {"id": job["id"]}
    assert (await here.ask(followed, "teacher")).codes == ["FORBIDDEN"]
    refused = (await here.ask(query, "teacher", input={"file": {"text": text}})).ok()["importAttendance"]
    assert refused == {"code": "FORBIDDEN"}
    empty = (await here.ask(query, "school_admin", input={"file": {}})).ok()["importAttendance"]
    assert empty["code"] == "INVALID_INPUT"
