"""The roster follows academic: of one row the event with the highest sequence holds."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update

from libs.crypto import Vault
from libs.db import TenantTransaction
from libs.events import EventMeta, upsert_if_newer
from libs.events.contracts.academic import (
    AcademicYearCreated,
    ClassCreated,
    HolidayDeclared,
    HomeroomTeacherAssigned,
    ScheduleUpdated,
    SchoolUpdated,
    SemesterActivated,
    StudentCreated,
    StudentEnrolled,
    StudentUpdated,
    SubjectAssignedToClass,
    SubjectCreated,
    TeacherAssigned,
    TeacherCreated,
    TeacherUpdated,
)
from subgraphs.operations.roster import model

# Written out, because thousands of them arrive at once when a school is set up: building a statement from its parts
# takes several times as long as running it.
_KEEP_STUDENT = text(
    """
    insert into operations.students as known (id, sequence, user_id, nis, nisn, name, status)
    values (:id, :sequence, :user_id, :nis, :nisn, :name, :status)
    on conflict (tenant_id, id) do update set
      sequence = excluded.sequence, user_id = excluded.user_id, nis = excluded.nis, nisn = excluded.nisn,
      name = excluded.name, status = excluded.status, updated_at = now()
    where known.sequence < excluded.sequence
    """
)
_KEEP_ENROLLMENT = text(
    """
    insert into operations.enrollments as known (id, sequence, student_id, class_id, valid_from, valid_to)
    values (:id, :sequence, :student_id, :class_id, :valid_from, :valid_to)
    on conflict (tenant_id, id) do update set
      sequence = excluded.sequence, student_id = excluded.student_id, class_id = excluded.class_id,
      valid_from = excluded.valid_from, valid_to = excluded.valid_to, updated_at = now()
    where known.sequence < excluded.sequence
    """
)
_ACTIVATE = text(
    """
    insert into operations.semesters as known
      (id, sequence, academic_year_id, name, number, start_date, end_date, activated_at)
    values (:id, 0, :academic_year_id, :name, :number, :start_date, :end_date, :at)
    on conflict (tenant_id, id) do update set
      activated_at = greatest(known.activated_at, excluded.activated_at), updated_at = now()
    """
)


async def keep_school(tx: TenantTransaction, event: SchoolUpdated, meta: EventMeta) -> None:
    """Keeps what stands at the head of a report card."""
    values = _told(event, "name", "npsn", "level", "address", "principal_name", id=event.school_id)
    await tx.execute(upsert_if_newer(model.School, values, sequence=meta.sequence))


async def keep_academic_year(tx: TenantTransaction, event: AcademicYearCreated, meta: EventMeta) -> None:
    """Keeps a year with its semesters."""
    year = _told(event, "name", id=event.academic_year_id)
    await tx.execute(upsert_if_newer(model.AcademicYear, year, sequence=meta.sequence))
    for semester in event.semesters:
        values = _told(semester, "name", "number", "start_date", "end_date", id=semester.semester_id)
        values["academic_year_id"] = event.academic_year_id
        await tx.execute(upsert_if_newer(model.Semester, values, sequence=meta.sequence))


async def keep_active_semester(tx: TenantTransaction, event: SemesterActivated, meta: EventMeta) -> None:
    """Keeps which semester runs. Semesters are aggregates of their own, so it is time that orders their events."""
    values = _told(event, "academic_year_id", "name", "number", "start_date", "end_date", id=event.semester_id)
    await tx.execute(_ACTIVATE, {**values, "at": meta.time})
    semester = model.Semester
    latest = select(func.max(semester.activated_at)).where(semester.tenant_id == tx.tenant_id).scalar_subquery()
    is_latest = func.coalesce(semester.activated_at == latest, False)
    changed = semester.is_active.is_distinct_from(is_latest)
    await tx.execute(update(semester).where(semester.tenant_id == tx.tenant_id, changed).values(is_active=is_latest))


async def keep_holiday(tx: TenantTransaction, event: HolidayDeclared, meta: EventMeta) -> None:
    """Keeps a day of the school's calendar."""
    values = _told(event, "date", "name", "affects_attendance", id=event.holiday_id)
    await tx.execute(upsert_if_newer(model.Holiday, values, sequence=meta.sequence))


async def keep_class(tx: TenantTransaction, event: ClassCreated, meta: EventMeta) -> None:
    """Keeps a class; its homeroom teacher comes with an event of its own."""
    values = _told(event, "academic_year_id", "name", "level", "major", id=event.class_id)
    await tx.execute(upsert_if_newer(model.Class, values, sequence=meta.sequence))


async def keep_homeroom_teacher(tx: TenantTransaction, event: HomeroomTeacherAssigned, meta: EventMeta) -> None:
    """Keeps who leads a class."""
    values = _told(event, "academic_year_id", "name", "level", "major", id=event.class_id)
    values |= {"homeroom_teacher_id": event.teacher_id, "homeroom_user_id": event.user_id}
    await tx.execute(upsert_if_newer(model.Class, values, sequence=meta.sequence))


async def keep_subject(tx: TenantTransaction, event: SubjectCreated, meta: EventMeta) -> None:
    """Keeps a subject with its minimum mark."""
    values = _told(event, "code", "name", "kkm", id=event.subject_id)
    await tx.execute(upsert_if_newer(model.Subject, values, sequence=meta.sequence))


async def keep_class_subject(tx: TenantTransaction, event: SubjectAssignedToClass, meta: EventMeta) -> None:
    """Keeps that a class has a subject in a semester."""
    values = _told(event, "class_id", "subject_id", "semester_id", id=event.class_subject_id)
    await tx.execute(upsert_if_newer(model.ClassSubject, values, sequence=meta.sequence))


async def keep_teaching(tx: TenantTransaction, event: TeacherAssigned, meta: EventMeta) -> None:
    """Keeps who teaches a subject to a class, and since when."""
    values = _told(event, "class_subject_id", "teacher_id", "user_id", "valid_from", "valid_to", id=tx.new_id())
    keys = ("tenant_id", "class_subject_id", "valid_from")
    await tx.execute(upsert_if_newer(model.Teaching, values, sequence=meta.sequence, keys=keys))


async def keep_schedule(tx: TenantTransaction, event: ScheduleUpdated, meta: EventMeta) -> None:
    """Keeps a slot of the timetable."""
    names = ("class_subject_id", "class_id", "day_of_week", "start_time", "end_time", "is_active")
    await tx.execute(
        upsert_if_newer(model.Schedule, _told(event, *names, id=event.schedule_id), sequence=meta.sequence)
    )


async def keep_enrollment(tx: TenantTransaction, event: StudentEnrolled, meta: EventMeta) -> None:
    """Keeps who sits in which class, and when."""
    values = _told(event, "student_id", "class_id", "valid_from", "valid_to", id=event.enrollment_id)
    await tx.execute(_KEEP_ENROLLMENT, {**values, "sequence": meta.sequence})


async def keep_student(
    tx: TenantTransaction, event: StudentCreated | StudentUpdated, meta: EventMeta, *, vault: Vault
) -> None:
    """Keeps a pupil, the name encrypted with the pupil's key."""
    values = _told(event, "user_id", "nis", "nisn", "status", id=event.student_id)
    values["name"] = await _sealed(tx, vault, "students", event.student_id, event.personal)
    await tx.execute(_KEEP_STUDENT, {**values, "sequence": meta.sequence})


async def keep_teacher(
    tx: TenantTransaction, event: TeacherCreated | TeacherUpdated, meta: EventMeta, *, vault: Vault
) -> None:
    """Keeps a teacher, the name encrypted with the teacher's key."""
    values = _told(event, "user_id", id=event.teacher_id)
    values["name"] = await _sealed(tx, vault, "teachers", event.teacher_id, event.personal)
    await tx.execute(upsert_if_newer(model.Teacher, values, sequence=meta.sequence))


def _told(event: Any, *names: str, id: UUID) -> dict[str, Any]:
    return {"id": id, **{name: getattr(event, name) for name in names}}


async def _sealed(
    tx: TenantTransaction, vault: Vault, table: str, person_id: UUID, personal: Mapping[str, str]
) -> bytes:
    key = (await vault.person_keys(tx, [person_id], create=True))[person_id]
    return key.encrypt(personal.get("name", ""), table=table, column="name", row_id=person_id, tenant_id=tx.tenant_id)
