"""Snapshots: what others keep of academic can be thrown away and comes back the same."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from libs.events.contracts.identity import TenantUpdated
from libs.events.replay import snapshot
from libs.kernel import Scope, new_id
from subgraphs.academic.academic_year.operations import activate_semester
from subgraphs.academic.consumers import snapshots
from subgraphs.academic.contact.operations import link_account
from subgraphs.academic.subject.model import Subject
from tests.academic.world import World

# Event -> the tables a consumer keeps of it, each with what names a row.
_KEPT = {
    "SchoolUpdated": {"schools": ("school_id",)},
    "HolidayDeclared": {"holidays": ("holiday_id",)},
    "ClassCreated": {"classes": ("class_id",)},
    "HomeroomTeacherAssigned": {"classes": ("class_id",)},
    "SubjectCreated": {"subjects": ("subject_id",)},
    "SubjectAssignedToClass": {"class_subjects": ("class_subject_id",)},
    "TeacherAssigned": {"teaching": ("class_subject_id", "valid_from")},
    "ScheduleUpdated": {"schedules": ("schedule_id",)},
    "StudentCreated": {"students": ("student_id",)},
    "StudentUpdated": {"students": ("student_id",)},
    "GuardianLinked": {"links": ("student_id", "guardian_id")},
    "StudentEnrolled": {"enrollments": ("enrollment_id",)},
    "TeacherCreated": {"teachers": ("teacher_id",)},
    "TeacherUpdated": {"teachers": ("teacher_id",)},
}


class Projection:
    """What a consumer keeps: each event writes its own columns of a row, the later one last."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[Any, dict[str, Any]]] = {}

    def apply(self, name: str, data: dict[str, Any]) -> None:
        plain = {key: value for key, value in data.items() if key != "personal"}
        if name in ("TeacherCreated", "TeacherUpdated"):
            del plain["user_id"]  # comes with what the teacher is assigned to
        if "guardians" in plain:
            plain["guardians"] = [
                {key: value for key, value in guardian.items() if key not in ("personal", "user_id")}
                for guardian in plain["guardians"]
            ]
        for table, keys in _KEPT.get(name, {}).items():
            self._row(table, tuple(data[key] for key in keys)).update(plain)
        if name == "TeacherAssigned":
            self._end_former(data)
        elif name == "AcademicYearCreated":
            self._keep_year(data)
        elif name == "SemesterActivated":
            self._activate(data)

    def _row(self, table: str, key: Any) -> dict[str, Any]:
        return self.tables.setdefault(table, {}).setdefault(key, {})

    def _end_former(self, data: dict[str, Any]) -> None:
        for (class_subject, since), row in self.tables["teaching"].items():
            if class_subject == data["class_subject_id"] and since < data["valid_from"] < row["valid_to"]:
                row["valid_to"] = data["valid_from"]

    def _keep_year(self, data: dict[str, Any]) -> None:
        semesters = data["semesters"]
        self._row("years", data["academic_year_id"]).update(
            {key: value for key, value in data.items() if key != "semesters"}
        )
        for half in semesters:
            self._row("semesters", half["semester_id"]).update(half | {"is_active": False})

    def _activate(self, data: dict[str, Any]) -> None:
        for table, key in (("years", "academic_year_id"), ("semesters", "semester_id")):
            for row in self.tables[table].values():
                row["is_active"] = row[key] == data[key]


def projected(world: World, since: int = 0) -> dict[str, dict[Any, dict[str, Any]]]:
    """What the school's events, from the given one on, leave of it."""
    statement = "select type, data from academic.outbox where tenant_id = %s order by sequence offset %s"
    projection = Projection()
    for row in world.as_owner("academic", statement, (world.tenant_id, since)):
        projection.apply(row["type"].split(".")[-2], row["data"])
    return projection.tables


async def lived_in(world: World) -> None:
    """A school where all that others keep has been made, and changed since."""
    await world.register(TenantUpdated, 5)
    world.as_owner(
        "academic",
        "update academic.schools set address = 'Jl. Merdeka 1', principal_name = 'Ibu Kepala' where tenant_id = %s",
        (world.tenant_id,),
    )
    await world.register(TenantUpdated, 6)
    year = await world.year()
    await world.year("2027/2028", dates=(date(2027, 7, 12), date(2028, 6, 24), date(2028, 1, 3)))
    semester = world.semester(year)
    for running in (semester, world.semester(year, 2), semester):
        async with world.write() as tx:
            await activate_semester(tx, semester_id=running)
    await world.holiday(date(2026, 12, 25), "Natal")
    led, _ = await world.class_(year), await world.class_(year, "X-2")
    first, second = await world.teacher("Guru Satu", email="guru@example.test"), await world.teacher("Guru Dua")
    await world.homeroom(led, first)
    taught = await world.assign(led, await world.subject(kkm=70), semester, first)
    await world.slot(taught, 1, "07:00", "08:30", room="R1")
    await world.assign(led, await world.subject("FIS"), semester, first)
    await world.assign(led, await world.subject("KIM"), semester)
    await world.assign(led, await _subject_of(world, taught.subject_id), semester, second, today=date(2026, 9, 20))
    assert await world.import_(year, "1,,Ani,P,2010-01-01,X-1,Ibu Ani,ibu,ani@example.test,", "2,,Budi,L,,,,,,") == []
    await world.change_teacher(first.id, status="INACTIVE")
    await _link(world, first.id, *(row["id"] for row in world.rows("guardians")))


async def _subject_of(world: World, subject_id: UUID) -> Subject:
    async with world.write() as tx:
        return await tx.get(Subject, subject_id)


async def _link(world: World, *records: UUID) -> None:
    for record_id in records:
        async with world.write(Scope.SYSTEM) as tx:
            await link_account(tx, contacts=world.contacts, record_id=record_id, user_id=new_id())


async def test_a_projection_from_nothing_but_a_snapshot_is_the_former_one(world: World, other_world: World):
    await lived_in(world)
    await other_world.year()
    before, other_before, former = len(world.events()), len(other_world.events()), projected(world)
    told = await snapshot(world.database, snapshots(world.contacts), [world.tenant_id, new_id()])
    assert told == len(world.events()) - before
    assert projected(world, before) == former
    assert projected(world) == former
    assert len(other_world.events()) == other_before
    tables = {"schools", "years", "semesters", "holidays", "subjects", "teachers", "classes", "class_subjects"}
    assert set(former) == tables | {"teaching", "schedules", "students", "links", "enrollments"}
    [school] = former["schools"].values()
    assert (school["address"], school["principal_name"]) == ("Jl. Merdeka 1", "Ibu Kepala")
    assert [row["is_active"] for row in former["semesters"].values()].count(True) == 1
    assert {row["kkm"] for row in former["subjects"].values()} == {70, 75}
    assert len(former["teaching"]) == 3
    assert sorted(row["status"] for row in former["teachers"].values()) == ["ACTIVE", "INACTIVE"]
    [slot] = former["schedules"].values()
    assert slot["teacher_id"] == str(
        next(row["id"] for row in world.rows("teachers") if row["full_name"] == "Guru Dua")
    )


async def test_people_s_data_travels_sealed(world: World):
    await lived_in(world)
    before = len(world.events())
    await snapshot(world.database, snapshots(world.contacts), [world.tenant_id], aggregate="teacher")
    told = world.events()[before:]
    assert [set(event["personal"]["values"]) for event in told] == [{"name", "email"}, {"name"}]


@pytest.mark.parametrize("aggregate", ["class", "class_subject", "student"])
async def test_an_aggregate_can_be_told_alone(world: World, aggregate: str):
    await lived_in(world)
    before, former = len(world.events()), projected(world)
    await snapshot(world.database, snapshots(world.contacts), [world.tenant_id], aggregate=aggregate)
    again = projected(world, before)
    assert again
    assert {table: former[table] for table in again} == again
