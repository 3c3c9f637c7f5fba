"""What a pupil's marks come to, day by day, and who sees and keeps them."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on

from libs.auth import Actor, Reach
from libs.db import ReadTransaction
from subgraphs.operations.attendance.model import StudentAttendance
from subgraphs.operations.attendance.rules import AttendanceStatus
from subgraphs.operations.roster.model import Class, ClassSubject, Enrollment, Holiday, Semester, Student, Teaching


def day_marks(
    tenant_id: ColumnElement[UUID], *conditions: ColumnElement[bool], marks: FromClause
) -> Select[UUID, date, str]:
    """One mark for each pupil and day: that of the day before those of lessons, the office's before the teacher's."""
    return (
        select(marks.c.student_id, marks.c.date, marks.c.status)
        .where(marks.c.tenant_id == tenant_id, *conditions)
        .ext(distinct_on(marks.c.student_id, marks.c.date))
        .order_by(
            marks.c.student_id,
            marks.c.date,
            marks.c.schedule_id.is_not(None),
            marks.c.source,  # OFFICE, SELF, TEACHER
            marks.c.updated_at.desc(),
        )
    )


def attendance_summary(
    student_id: ColumnElement[UUID],
    *,
    tenant_id: ColumnElement[UUID],
    semester_id: ColumnElement[UUID] | None,
    first: ColumnElement[date] | None,
    last: ColumnElement[date] | None,
    today: ColumnElement[date],
    seen: ColumnElement[bool] | None,
) -> Select[*tuple[Any, ...]]:
    """A pupil's days by status: of the semester (else the active one) up to today, or of the days that are named."""
    semester = Semester.__table__.alias()
    asked = semester.c.is_active if semester_id is None else semester.c.id == semester_id
    of_semester = and_(semester.c.tenant_id == tenant_id, asked)
    begins = select(func.min(semester.c.start_date)).where(of_semester).scalar_subquery()
    ends = select(func.least(func.min(semester.c.end_date), today)).where(of_semester).scalar_subquery()
    marks = StudentAttendance.__table__.alias()
    within = marks.c.date.between(begins if first is None else first, ends if last is None else last)
    days = day_marks(tenant_id, marks.c.student_id == student_id, within, marks=marks).subquery()
    counted = [
        func.count().filter(days.c.status == literal_column(f"'{status}'")).label(status.lower())
        for status in AttendanceStatus
    ]
    summary = select(*counted, func.count().label("days")).select_from(days)
    return summary if seen is None else summary.having(seen)


def present_today(tenant_id: ColumnElement[UUID], today: ColumnElement[date]) -> ColumnElement[int]:
    """Pupils who came today, in time or late."""
    marks = StudentAttendance.__table__.alias()
    days = day_marks(tenant_id, marks.c.date == today, marks=marks).subquery()
    came = days.c.status.in_([literal_column("'PRESENT'"), literal_column("'LATE'")])
    return select(func.count()).select_from(days).where(came).scalar_subquery()


def is_taught(
    student_id: ColumnElement[UUID],
    *,
    tenant_id: ColumnElement[UUID],
    user_id: ColumnElement[UUID],
    today: ColumnElement[date],
) -> ColumnElement[bool]:
    """Whether a pupil sits today in a class that the account leads or teaches."""
    sitting = Enrollment.__table__.alias()
    return exists().where(
        sitting.c.tenant_id == tenant_id,
        sitting.c.student_id == student_id,
        sitting.c.valid_from <= today,
        or_(sitting.c.valid_to.is_(None), sitting.c.valid_to > today),
        sitting.c.class_id.in_(_kept_classes(tenant_id, user_id, today)),
    )


def _kept_classes(
    tenant_id: ColumnElement[UUID], user_id: ColumnElement[UUID], day: ColumnElement[date]
) -> Select[UUID]:
    led, subject, teaching = (each.__table__.alias() for each in (Class, ClassSubject, Teaching))
    later = Teaching.__table__.alias()
    superseded = exists().where(
        later.c.tenant_id == tenant_id,
        later.c.class_subject_id == teaching.c.class_subject_id,
        later.c.valid_from > teaching.c.valid_from,
        later.c.valid_from <= day,
    )
    leading = select(led.c.id).where(led.c.tenant_id == tenant_id, led.c.homeroom_user_id == user_id)
    taught = (
        select(subject.c.class_id)
        .join_from(
            teaching,
            subject,
            and_(subject.c.tenant_id == tenant_id, subject.c.id == teaching.c.class_subject_id),
        )
        .where(
            teaching.c.tenant_id == tenant_id,
            teaching.c.user_id == user_id,
            teaching.c.valid_from <= day,
            or_(teaching.c.valid_to.is_(None), teaching.c.valid_to > day),
            ~superseded,
        )
    )
    return leading.union_all(taught)  # type: ignore[return-value]


async def keeps_class(tx: ReadTransaction, *, class_id: UUID, user_id: UUID, day: date) -> bool:
    """Whether the account leads the class, or teaches it on that day."""
    classes = _kept_classes(_value(tx.tenant_id), _value(user_id), bindparam(None, day)).subquery()
    return (await tx.execute(select(classes).where(classes.c[0] == class_id))).first() is not None


async def sees_class(tx: ReadTransaction, actor: Actor, class_id: UUID, day: date) -> bool:
    """Whether the actor sees marks of a class: the office of any, teachers of those kept, families of their pupils'."""
    reach = actor.reach("attendance")
    if reach is Reach.ALL:
        found = await tx.execute(select(Class.id).where(Class.tenant_id == tx.tenant_id, Class.id == class_id))
        return found.first() is not None
    if reach is Reach.TAUGHT and await keeps_class(tx, class_id=class_id, user_id=actor.user_id, day=day):
        return True
    return actor.may("attendance:read_own") and not (await sitting_in(tx, class_id, day)).isdisjoint(actor.student_ids)


async def sitting_in(tx: ReadTransaction, class_id: UUID, day: date) -> frozenset[UUID]:
    """The pupils of a class on a day."""
    sitting = Enrollment
    statement = select(sitting.student_id).where(
        sitting.tenant_id == tx.tenant_id,
        sitting.class_id == class_id,
        sitting.valid_from <= day,
        or_(sitting.valid_to.is_(None), sitting.valid_to > day),
    )
    return frozenset(await tx.scalars(statement))


async def statuses_of(tx: ReadTransaction, student_ids: Sequence[UUID], day: date) -> dict[UUID, str]:
    """What counts as these pupils' day."""
    marks = StudentAttendance.__table__
    wanted = marks.c.student_id == any_(bindparam("students", list(student_ids), ARRAY(Uuid)))
    rows = await tx.execute(day_marks(_value(tx.tenant_id), wanted, marks.c.date == day, marks=marks))
    return {student_id: status for student_id, _, status in rows}


async def students_by_nis(tx: ReadTransaction, numbers: Iterable[str]) -> dict[str, UUID]:
    """The pupils of these school numbers."""
    wanted = Student.nis == any_(bindparam("numbers", sorted(set(numbers)), ARRAY(Text)))
    rows = await tx.execute(select(Student.nis, Student.id).where(Student.tenant_id == tx.tenant_id, wanted))
    return {row.nis: row.id for row in rows}


class Seats:
    """Who sat in which class when."""

    def __init__(self, rows: Iterable[tuple[UUID, UUID, date, date | None]]) -> None:
        self._seats: dict[UUID, list[tuple[date, date | None, UUID]]] = {}
        for student_id, class_id, first, after in rows:
            self._seats.setdefault(student_id, []).append((first, after, class_id))

    def get(self, student_id: UUID, day: date) -> UUID | None:
        """The class of a pupil on a day, the one entered last; None when there was none."""
        found = [
            (first, class_id)
            for first, after, class_id in self._seats.get(student_id, [])
            if first <= day and (after is None or after > day)
        ]
        return max(found)[1] if found else None


async def classes_on_days(tx: ReadTransaction, student_ids: Sequence[UUID], first: date, last: date) -> Seats:
    """The classes of these pupils between two days."""
    sitting = Enrollment
    statement = select(sitting.student_id, sitting.class_id, sitting.valid_from, sitting.valid_to).where(
        sitting.tenant_id == tx.tenant_id,
        sitting.student_id == any_(bindparam("students", list(student_ids), ARRAY(Uuid))),
        sitting.valid_from <= last,
        or_(sitting.valid_to.is_(None), sitting.valid_to > first),
    )
    return Seats([tuple(row) for row in await tx.execute(statement)])


async def holidays_between(tx: ReadTransaction, first: date, last: date) -> dict[date, str]:
    """Days on which nobody is expected at school, with their names."""
    holiday = Holiday
    statement = select(holiday.date, holiday.name).where(
        holiday.tenant_id == tx.tenant_id, holiday.affects_attendance, holiday.date.between(first, last)
    )
    return {row.date: row.name for row in await tx.execute(statement)}


async def semesters(tx: ReadTransaction) -> list[tuple[date, date]]:
    """First and last days of the school's semesters."""
    statement = select(Semester.start_date, Semester.end_date).where(Semester.tenant_id == tx.tenant_id)
    return [(first, last) for first, last in await tx.execute(statement)]


def _value(value: UUID) -> ColumnElement[UUID]:
    return bindparam(None, value, Uuid)
