"""What a report card is made of, and who sees which."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Date, FromClause, Uuid, and_, bindparam, exists, or_, select

from libs.db import ReadTransaction
from subgraphs.operations.attendance.queries import attendance_summary
from subgraphs.operations.grading.queries import led_classes, subject_grades
from subgraphs.operations.report_card.model import ReportCard
from subgraphs.operations.report_card.rules import Attendance
from subgraphs.operations.roster.model import Class, Enrollment, Semester

CARD_BYTES: Column[int] = ReportCard.__table__.c.file_bytes
"""What the PDFs of report cards take."""


def in_led_class(
    table: FromClause, *, tenant_id: ColumnElement[UUID], user_id: ColumnElement[UUID]
) -> ColumnElement[bool]:
    """Whether a report card is of a class that the account leads."""
    return table.c.class_id.in_(led_classes(tenant_id=tenant_id, user_id=user_id))


@dataclass(frozen=True, slots=True)
class Known:
    """A card as the page behind its code tells of it."""

    card: ReportCard
    is_superseded: bool


async def find_by_code(tx: ReadTransaction, code: str) -> Known | None:
    """The card with this code; one that has no PDF yet is not there yet."""
    newer = ReportCard.__table__.alias()
    superseded = exists().where(
        newer.c.tenant_id == tx.tenant_id,
        newer.c.student_id == ReportCard.student_id,
        newer.c.semester_id == ReportCard.semester_id,
        newer.c.revision > ReportCard.revision,
        newer.c.status != "DRAFT",
    )
    found = await tx.execute(
        select(ReportCard, superseded).where(
            ReportCard.tenant_id == tx.tenant_id, ReportCard.code == code, ReportCard.status != "DRAFT"
        )
    )
    row = found.one_or_none()
    return Known(*row) if row else None


async def class_in(tx: ReadTransaction, student_id: UUID, semester: Semester) -> Class | None:
    """The class in which a pupil sat last during a semester."""
    statement = (
        select(Class)
        .join(Enrollment, and_(Enrollment.tenant_id == Class.tenant_id, Enrollment.class_id == Class.id))
        .where(
            Enrollment.tenant_id == tx.tenant_id,
            Enrollment.student_id == student_id,
            Enrollment.valid_from <= semester.end_date,
            or_(Enrollment.valid_to.is_(None), Enrollment.valid_to > semester.start_date),
        )
        .order_by(Enrollment.valid_from.desc())
        .limit(1)
    )
    return (await tx.scalars(statement)).one_or_none()


async def latest_revision(tx: ReadTransaction, student_id: UUID, semester_id: UUID) -> ReportCard | None:
    """The newest card of a pupil and a semester."""
    statement = (
        select(ReportCard)
        .where(
            ReportCard.tenant_id == tx.tenant_id,
            ReportCard.student_id == student_id,
            ReportCard.semester_id == semester_id,
        )
        .order_by(ReportCard.revision.desc())
        .limit(1)
    )
    return (await tx.scalars(statement)).one_or_none()


async def grades_in(tx: ReadTransaction, student_id: UUID, semester_id: UUID) -> Sequence[Any]:
    """The pupil's subjects of a semester with their figures: rows of `subject_grades`."""
    statement = subject_grades(_value(student_id), tenant_id=_value(tx.tenant_id), semester_id=_value(semester_id))
    return (await tx.execute(statement)).all()


async def attendance_in(tx: ReadTransaction, student_id: UUID, semester_id: UUID, today: date) -> Attendance:
    """The pupil's days of a semester up to today."""
    statement = attendance_summary(
        _value(student_id),
        tenant_id=_value(tx.tenant_id),
        semester_id=_value(semester_id),
        first=None,
        last=None,
        today=bindparam(None, today, Date),
        seen=None,
    )
    days = (await tx.execute(statement)).one()
    return Attendance(present=days.present, late=days.late, sick=days.sick, excused=days.excused, absent=days.absent)


def _value(value: UUID) -> ColumnElement[UUID]:
    return bindparam(None, value, Uuid)
