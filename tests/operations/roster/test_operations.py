import random
from datetime import UTC, date, datetime, time
from typing import Any

from libs.crypto import KeyRing, Vault
from libs.events.contracts import academic
from libs.kernel import Binding, Scope, new_id
from subgraphs.operations.model import person_keys
from tests.operations.world import EVEN, ODD, YEAR, World, activated, enrolled, semester, student, year_created

STUDENT, CLASS, ENROLLMENT, SUBJECT, TAUGHT, SLOT, YEAR_ID, TEACHER, HOLIDAY = (new_id() for _ in range(9))
SEMESTERS = (semester(new_id(), 1, ODD), semester(new_id(), 2, EVEN))
ABOUT: dict[str, Any] = {"class_id": CLASS, "academic_year_id": YEAR_ID, "name": "X-1", "level": 10}
ASSIGNED: dict[str, Any] = {
    "class_subject_id": TAUGHT, "class_id": CLASS, "subject_id": SUBJECT, "semester_id": SEMESTERS[0].semester_id,
}  # fmt: skip
HISTORY = (
    academic.SchoolUpdated(school_id=new_id(), name="SMA 1", npsn="1", level="SMA", timezone="Asia/Jakarta", address="Jalan 1"),
    activated(YEAR_ID, SEMESTERS[1]),
    activated(YEAR_ID, SEMESTERS[0]),
    year_created(YEAR_ID, SEMESTERS),
    activated(YEAR_ID, SEMESTERS[1]),
    academic.HolidayDeclared(holiday_id=HOLIDAY, date=date(2026, 8, 17), name="Kemerdekaan", affects_attendance=True),
    academic.TeacherCreated(teacher_id=TEACHER, personal={"name": "Rina"}),
    academic.TeacherUpdated(teacher_id=TEACHER, personal={"name": "Rina Wati"}),
    academic.ClassCreated(**ABOUT),
    academic.HomeroomTeacherAssigned(**ABOUT, teacher_id=TEACHER, user_id=None),
    academic.HomeroomTeacherAssigned(**ABOUT, teacher_id=TEACHER, user_id=new_id()),
    student(STUDENT),
    student(STUDENT, nis="0002", name="Ani Wijaya"),
    enrolled(STUDENT, CLASS, enrollment_id=ENROLLMENT),
    enrolled(STUDENT, CLASS, days=(YEAR[0], date(2026, 9, 1)), enrollment_id=ENROLLMENT),
    academic.SubjectCreated(subject_id=SUBJECT, code="MTK", name="Matematika", category="WAJIB", kkm=70),
    academic.SubjectAssignedToClass(**ASSIGNED, academic_year_id=YEAR_ID),
    academic.TeacherAssigned(**ASSIGNED, teacher_id=TEACHER, valid_from=YEAR[0]),
    academic.TeacherAssigned(**ASSIGNED, teacher_id=new_id(), valid_from=YEAR[0]),
    academic.ScheduleUpdated(
        schedule_id=SLOT, **ASSIGNED, teacher_id=TEACHER, day_of_week=1, start_time=time(7, 15), end_time=time(8, 45)
    ),
)  # fmt: skip
TABLES = (
    "schools", "academic_years", "semesters", "holidays", "teachers", "classes", "students", "enrollments", "subjects",
    "class_subjects", "teaching", "schedules",
)  # fmt: skip


def known(world: World) -> dict[str, list[dict[str, Any]]]:
    """The roster but for moments, ciphers, which are others each time, and ids that nobody refers to."""
    hidden = {"created_at", "updated_at", "tenant_id"}
    found = {}
    for table in TABLES:
        rows = world.rows(table, "id")
        without = hidden | ({"id"} if table == "teaching" else set())
        without |= {"name"} if table in {"students", "teachers"} else set()
        found[table] = [{key: value for key, value in row.items() if key not in without} for row in rows]
    return found


async def test_the_last_event_holds_whatever_the_order_and_however_often(world: World, other_world: World):
    at = [datetime(2026, 8, 1, 1, number, tzinfo=UTC) for number in range(len(HISTORY))]
    told = [world.envelope(event, sequence=n, time=at[n - 1]) for n, event in enumerate(HISTORY, 1)]
    empty = f"truncate {', '.join(f'operations.{table}' for table in (*TABLES, 'inbox'))}"
    world.as_owner("operations", empty)
    await world.receive(*told)
    expected = known(world)
    assert [row["is_active"] for row in sorted(expected["semesters"], key=lambda row: row["number"])] == [False, True]
    assert expected["students"][0]["nis"] == "0002"
    assert expected["enrollments"][0]["valid_to"] == date(2026, 9, 1)
    assert expected["classes"][0]["homeroom_user_id"] is not None
    assert len(expected["teaching"]) == 1
    chance = random.Random(7)
    for _ in range(5):
        world.as_owner("operations", empty)
        again = [world.envelope(event, sequence=n, time=at[n - 1]) for n, event in enumerate(HISTORY, 1)]
        shuffled = [*again, *told, *again]  # the same events under their own ids, and told once more under others
        chance.shuffle(shuffled)
        for envelope in shuffled:
            await world.receive(envelope)
        assert known(world) == expected
    assert known(other_world) == {table: [] for table in TABLES}


async def test_names_are_kept_encrypted_with_the_key_of_the_person(world: World):
    await world.receive(student(STUDENT, name="Ani Lestari"))
    (row,) = world.rows("students")
    assert b"Ani" not in bytes(row["name"])
    vault = Vault(KeyRing.from_settings(world.settings), person_keys)
    async with world.write(Scope.SYSTEM) as tx:
        key = (await vault.person_keys(tx, [STUDENT]))[STUDENT]
    place = {"table": "students", "column": "name", "row_id": STUDENT, "tenant_id": world.tenant_id}
    assert key.decrypt(bytes(row["name"]), **place) == "Ani Lestari"


async def test_a_family_sees_the_roster_of_its_own(world: World):
    mine, other = await world.pupils(2, class_id=await world.class_())
    async with world.database.read(Binding(world.tenant_id, Scope.OWN, student_ids=(mine,))) as tx:
        for table, column in (("students", "id"), ("enrollments", "student_id")):
            rows = await (await tx.session.connection()).exec_driver_sql(f"select {column} from operations.{table}")
            assert [row[0] for row in rows] == [mine]
    assert {row["id"] for row in world.rows("students")} == {mine, other}
