"""Enrolling pupils in classes."""

from collections.abc import AsyncGenerator
from datetime import date
from uuid import UUID

from sqlalchemy import select, update

from libs.db import TenantTransaction
from libs.events.contracts.academic import StudentEnrolled
from subgraphs.academic.academic_year.model import AcademicYear
from subgraphs.academic.class_.model import Class
from subgraphs.academic.enrollment.model import Enrollment
from subgraphs.academic.enrollment.rules import AlreadyEnrolled, ClassFull, Period, check_enrollable, enrollment_period
from subgraphs.academic.student.model import Student


async def enroll_student(
    tx: TenantTransaction, *, class_id: UUID, student_id: UUID, since: date | None, today: date
) -> Enrollment:
    """Gives a pupil a seat in a class from `since` (else today) until its year is over.

    Raises NotFound, InvalidInput, AlreadyEnrolled, ClassFull.
    """
    # Pupils are locked before classes, here and in the import: two that enroll one pupil wait instead of deadlocking.
    student = await tx.get(Student, student_id, lock=True)
    check_enrollable(student.status)
    class_ = await tx.get(Class, class_id)
    year = await tx.get(AcademicYear, class_.academic_year_id)
    period = enrollment_period(since=since, today=today, year_start=year.start_date, year_end=year.end_date)
    enrollment = Enrollment(
        id=tx.new_id(),
        class_id=class_.id,
        student_id=student.id,
        academic_year_id=year.id,
        kind=class_.kind,
        valid_from=period.valid_from,
        valid_to=period.valid_to,
    )
    capacity = class_.max_students
    try:
        async with tx.rejecting(
            {
                "ex_enrollments_regular": AlreadyEnrolled,
                "ex_enrollments_class": AlreadyEnrolled,
                "ck_classes_enrolled_count": lambda: ClassFull(capacity=capacity),
            }
        ):
            tx.add(enrollment)
            await tx.flush()
            # The row lock this takes lasts until COMMIT: of fifty that race for the last seat, one passes the CHECK.
            await tx.execute(
                update(Class)
                .where(Class.tenant_id == tx.tenant_id, Class.id == class_id)
                .values(enrolled_count=Class.enrolled_count + 1)
                .execution_options(synchronize_session=False)
            )
    except AlreadyEnrolled:
        raise await _already_in(tx, student_id, class_id, period) from None
    tx.emit(student_enrolled(enrollment))
    return enrollment


def student_enrolled(enrollment: Enrollment) -> StudentEnrolled:
    """The enrollment's full state as others need it."""
    return StudentEnrolled(
        enrollment_id=enrollment.id,
        student_id=enrollment.student_id,
        class_id=enrollment.class_id,
        academic_year_id=enrollment.academic_year_id,
        valid_from=enrollment.valid_from,
        valid_to=enrollment.valid_to,
        status=enrollment.status or "ACTIVE",
    )


async def _already_in(tx: TenantTransaction, student_id: UUID, class_id: UUID, period: Period) -> AlreadyEnrolled:
    """The class whose enrollment is in the way; the wanted class itself comes first."""
    statement = (
        select(Class)
        .join(Enrollment, (Enrollment.tenant_id == Class.tenant_id) & (Enrollment.class_id == Class.id))
        .where(
            Enrollment.tenant_id == tx.tenant_id,
            Enrollment.student_id == student_id,
            Enrollment.valid_from < period.valid_to,
            Enrollment.valid_to > period.valid_from,
            (Enrollment.kind == "REGULAR") | (Enrollment.class_id == class_id),
        )
        .order_by(Class.id != class_id, Enrollment.valid_from)
        .limit(1)
    )
    other = (await tx.scalars(statement)).one()
    return AlreadyEnrolled(class_id=other.id, name=other.name)


async def tell_enrollments(tx: TenantTransaction) -> AsyncGenerator[StudentEnrolled, None]:
    """One event for each enrollment of the tenant, whose row is held until COMMIT."""
    every = select(Enrollment).where(Enrollment.tenant_id == tx.tenant_id).order_by(Enrollment.id)
    for enrollment in await tx.scalars(every.with_for_update(read=True)):
        yield student_enrolled(enrollment)
