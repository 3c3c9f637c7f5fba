"""A class as events tell of it, which classes a person may see, and who sits in a class."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, FromClause, Select, Uuid, any_, false, func, select, union, union_all

from libs.events.contracts.academic import HomeroomTeacherAssigned
from subgraphs.academic.academic_year.model import AcademicYear
from subgraphs.academic.class_.model import Class
from subgraphs.academic.class_subject.model import ClassSubject, Teaching
from subgraphs.academic.enrollment.model import Enrollment
from subgraphs.academic.teacher.model import Teacher


def homeroom_teacher_assigned(class_: Class, teacher: Teacher) -> HomeroomTeacherAssigned:
    """The class's full state with who leads it."""
    return HomeroomTeacherAssigned(
        class_id=class_.id,
        academic_year_id=class_.academic_year_id,
        name=class_.name,
        level=class_.level,
        major=class_.major,
        max_students=class_.max_students,
        teacher_id=teacher.id,
        user_id=teacher.user_id,
    )


def in_active_year(academic_year_id: ColumnElement[UUID], *, tenant_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Whether something belongs to the active academic year; nothing does while no year is active."""
    year = AcademicYear.__table__.alias()
    active = select(year.c.id).where(year.c.tenant_id == tenant_id, year.c.is_active).scalar_subquery()
    return academic_year_id == active


def taught_class_ids(
    *, tenant_id: ColumnElement[UUID], user_id: ColumnElement[UUID], today: ColumnElement[date]
) -> Select[UUID]:
    """Classes the account's teacher is homeroom teacher of, or teaches a subject today."""
    teacher, class_ = Teacher.__table__.alias(), Class.__table__.alias()
    teaching, subject = Teaching.__table__.alias(), ClassSubject.__table__.alias()
    homeroom = (
        select(class_.c.id.label("class_id"))
        .join_from(teacher, class_, (class_.c.tenant_id == tenant_id) & (class_.c.homeroom_teacher_id == teacher.c.id))
        .where(teacher.c.tenant_id == tenant_id, teacher.c.user_id == user_id)
    )
    lessons = (
        select(subject.c.class_id)
        .select_from(teacher)
        .join(teaching, (teaching.c.tenant_id == tenant_id) & (teaching.c.teacher_id == teacher.c.id))
        .join(subject, (subject.c.tenant_id == tenant_id) & (subject.c.id == teaching.c.class_subject_id))
        .where(
            teacher.c.tenant_id == tenant_id,
            teacher.c.user_id == user_id,
            teaching.c.valid_from <= today,
            teaching.c.valid_to > today,
        )
    )
    return select(union(homeroom, lessons).subquery().c.class_id)


def attended_class_ids(*, tenant_id: ColumnElement[UUID], student_ids: ColumnElement[Sequence[UUID]]) -> Select[UUID]:
    """Classes these pupils sit or sat in."""
    sitting = Enrollment.__table__.alias()
    return select(sitting.c.class_id).where(sitting.c.tenant_id == tenant_id, sitting.c.student_id == any_(student_ids))


def sitting_in(*, tenant_id: ColumnElement[UUID], today: ColumnElement[date]) -> FromClause:
    """Class (source_id) and pupil (target_id) of today; its last day in a past year, its first in one to come."""
    sitting, class_, year = Enrollment.__table__.alias(), Class.__table__.alias(), AcademicYear.__table__.alias()
    # The year by way of the class: once for a class, where by way of the enrollment it would be once for each pupil.
    return (
        select(class_.c.id.label("source_id"), sitting.c.student_id.label("target_id"))
        .select_from(class_)
        .join(year, (year.c.tenant_id == tenant_id) & (year.c.id == class_.c.academic_year_id))
        .join(sitting, (sitting.c.tenant_id == tenant_id) & (sitting.c.class_id == class_.c.id))
        .where(
            class_.c.tenant_id == tenant_id,
            sitting.c.tenant_id == tenant_id,
            sitting.c.valid_from <= func.greatest(today, year.c.start_date),
            sitting.c.valid_to > func.least(today, year.c.end_date),
        )
        .subquery()
    )


def in_seen_class(
    class_id: ColumnElement[UUID],
    *,
    tenant_id: ColumnElement[UUID],
    user_id: ColumnElement[UUID],
    student_ids: ColumnElement[Sequence[UUID]],
    today: ColumnElement[date],
    as_teacher: bool,
    as_family: bool,
) -> ColumnElement[bool]:
    """Whether a class is one that a teacher leads or teaches, or that a family's pupils sit or sat in."""
    seen = []
    if as_teacher:
        seen.append(taught_class_ids(tenant_id=tenant_id, user_id=user_id, today=today))
    if as_family:
        seen.append(attended_class_ids(tenant_id=tenant_id, student_ids=student_ids))
    return among(class_id, *seen)


def among(value: ColumnElement[UUID], *found: Select[UUID]) -> ColumnElement[bool]:
    """Whether an id is one of those that these select.

    They are an array, found first and once, by which an index then finds rows: right where they are few. Of IN and of
    OR PostgreSQL may make a walk through the whole school that asks of each row whether it is one.
    """
    if not found:
        return false()
    ids = union_all(*found).scalar_subquery()
    return value == any_(func.array(ids, type_=ARRAY(Uuid)))
