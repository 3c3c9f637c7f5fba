"""A school to test with: makes what a test needs through the operations themselves."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

from libs.db import Database, TenantTransaction
from libs.events import EventMeta
from libs.events.contracts.identity import TenantCreated, TenantUpdated
from libs.kernel import Binding, FieldFault, Scope, new_id
from subgraphs.academic.academic_year.model import AcademicYear
from subgraphs.academic.academic_year.operations import create_academic_year
from subgraphs.academic.class_.model import Class
from subgraphs.academic.class_.operations import assign_homeroom_teacher, create_class
from subgraphs.academic.class_subject.model import ClassSubject
from subgraphs.academic.class_subject.operations import assign_subject_to_class
from subgraphs.academic.contact.queries import Contacts
from subgraphs.academic.enrollment.model import Enrollment
from subgraphs.academic.enrollment.operations import enroll_student
from subgraphs.academic.holiday.model import Holiday
from subgraphs.academic.holiday.operations import declare_holiday
from subgraphs.academic.schedule.model import Schedule
from subgraphs.academic.schedule.operations import create_schedule
from subgraphs.academic.schedule.rules import Slot
from subgraphs.academic.school.operations import keep_school
from subgraphs.academic.student.operations import run_import
from subgraphs.academic.subject.model import Subject
from subgraphs.academic.subject.operations import create_subject
from subgraphs.academic.subject.rules import SubjectCategory
from subgraphs.academic.teacher.model import Teacher
from subgraphs.academic.teacher.operations import create_teacher, update_teacher

YEAR = (date(2026, 7, 13), date(2027, 6, 26), date(2027, 1, 4))
TODAY = date(2026, 9, 1)
REGISTER = {"name": "SMA Negeri 1", "npsn": "20306577", "level": "SMA", "timezone": "Asia/Makassar"}
HEADER = "nis,nisn,full_name,gender,birth_date,class,guardian_name,guardian_relation,guardian_email,guardian_phone"


@dataclass(frozen=True)
class World:
    """One school; `today` is what its clock shows."""

    database: Database
    contacts: Contacts
    tenant_id: UUID
    as_owner: Callable[..., list[dict]]
    today: date = TODAY

    @asynccontextmanager
    async def write(self, scope: Scope = Scope.TENANT) -> AsyncIterator[TenantTransaction]:
        async with self.database.write(Binding(self.tenant_id, scope)) as tx:
            yield tx

    def of(self, tenant_id: UUID) -> "World":
        """The same for another school."""
        return World(self.database, self.contacts, tenant_id, self.as_owner, self.today)

    def rows(self, table: str) -> list[dict]:
        """This school's rows as the owner sees them."""
        statement = f"select * from academic.{table} where tenant_id = %s order by created_at, id"
        return self.as_owner("academic", statement, (self.tenant_id,))

    def events(self, name: str | None = None) -> list[dict]:
        """The data of this school's outbox rows, in order: all of them, or those of one type."""
        statement = "select type, data from academic.outbox where tenant_id = %s order by sequence"
        rows = self.as_owner("academic", statement, (self.tenant_id,))
        return [row["data"] for row in rows if name is None or f".{name}." in row["type"]]

    async def register(
        self, contract: type[TenantCreated] | type[TenantUpdated], sequence: int, **changes: str
    ) -> None:
        """What identity's register says of the school."""
        values = REGISTER | {"slug": "one", "status": "ACTIVE"} | changes
        meta = EventMeta(new_id(), sequence, datetime.now(UTC), self.tenant_id)
        async with self.write(Scope.SYSTEM) as tx:
            await keep_school(tx, contract(tenant_id=self.tenant_id, **values), meta)

    async def year(self, name: str = "2026/2027", *, dates: tuple[date, date, date] = YEAR) -> AcademicYear:
        async with self.write() as tx:
            return await create_academic_year(
                tx, name=name, start_date=dates[0], end_date=dates[1], second_semester_start=dates[2]
            )

    def semester(self, year: AcademicYear, number: int = 1) -> UUID:
        statement = "select id from academic.semesters where academic_year_id = %s and number = %s"
        return self.as_owner("academic", statement, (year.id, number))[0]["id"]

    async def holiday(self, day: date, name: str, *, affects_attendance: bool = True) -> Holiday:
        async with self.write() as tx:
            return await declare_holiday(tx, day=day, name=name, affects_attendance=affects_attendance)

    async def class_(
        self, year: AcademicYear, name: str = "X-1", *, level: int = 10, seats: int | None = None
    ) -> Class:
        async with self.write() as tx:
            return await create_class(tx, academic_year_id=year.id, name=name, level=level, max_students=seats)

    async def subject(self, code: str = "MAT", *, kkm: int = 75) -> Subject:
        async with self.write() as tx:
            return await create_subject(tx, code=code, name=f"Subject {code}", category=SubjectCategory.WAJIB, kkm=kkm)

    async def teacher(self, name: str = "Budi Santoso", *, nip: str | None = None, email: str | None = None) -> Teacher:
        async with self.write() as tx:
            return await create_teacher(tx, contacts=self.contacts, full_name=name, nip=nip, email=email)

    async def change_teacher(
        self, teacher_id: UUID, *, expected_version: int | None = None, **changes: str | None
    ) -> Teacher:
        async with self.write() as tx:
            return await update_teacher(
                tx,
                contacts=self.contacts,
                teacher_id=teacher_id,
                changes=changes,
                expected_version=expected_version,
            )

    async def homeroom(self, class_: Class, teacher: Teacher) -> Class:
        async with self.write() as tx:
            return await assign_homeroom_teacher(tx, class_id=class_.id, teacher_id=teacher.id)

    async def assign(
        self,
        class_: Class,
        subject: Subject,
        semester: UUID,
        teacher: Teacher | None = None,
        *,
        today: date | None = None,
    ) -> ClassSubject:
        async with self.write() as tx:
            return await assign_subject_to_class(
                tx,
                class_id=class_.id,
                subject_id=subject.id,
                semester_id=semester,
                teacher_id=teacher.id if teacher else None,
                today=today or self.today,
            )

    async def slot(self, taught: ClassSubject, day: int, start: str, end: str, room: str | None = None) -> Schedule:
        slot = Slot(day, time.fromisoformat(start), time.fromisoformat(end))
        async with self.write() as tx:
            return await create_schedule(tx, class_subject_id=taught.id, slot=slot, room=room)

    async def import_(
        self, year: AcademicYear, *lines: str, header: str = HEADER, dry_run: bool = False
    ) -> list[FieldFault]:
        async with self.write(Scope.SYSTEM) as tx:
            return await run_import(
                tx,
                contacts=self.contacts,
                academic_year_id=year.id,
                content="\n".join((header, *lines)),
                dry_run=dry_run,
            )

    async def students(self, year: AcademicYear, count: int, *, class_name: str = "") -> list[UUID]:
        """Pupils with NIS 1, 2, 3 …"""
        lines = [f"{n},,Pupil {n},F,2010-01-01,{class_name},,,," for n in range(1, count + 1)]
        assert await self.import_(year, *lines) == []
        by_nis = {row["nis"]: row["id"] for row in self.rows("students")}
        return [by_nis[str(n)] for n in range(1, count + 1)]

    async def enroll(self, class_: Class, student_id: UUID, *, since: date | None = None) -> Enrollment:
        async with self.write() as tx:
            return await enroll_student(tx, class_id=class_.id, student_id=student_id, since=since, today=self.today)


__all__ = ["HEADER", "REGISTER", "TODAY", "YEAR", "World"]
