"""Who teaches a subject of a class."""

from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, exists, select

from libs.events.contracts.academic import TeacherAssigned
from subgraphs.academic.class_.queries import in_seen_class
from subgraphs.academic.class_subject.model import ClassSubject, Teaching
from subgraphs.academic.teacher.model import Teacher

__all__ = ["in_seen_class", "latest_teachers", "teacher_assigned"]


def teacher_assigned(assigned: ClassSubject, teaching: Teaching, teacher: Teacher) -> TeacherAssigned:
    """Who teaches the subject of a class, from when to when, as others need it."""
    return TeacherAssigned(
        class_subject_id=assigned.id,
        class_id=assigned.class_id,
        subject_id=assigned.subject_id,
        semester_id=assigned.semester_id,
        teacher_id=teacher.id,
        user_id=teacher.user_id,
        valid_from=teaching.valid_from,
        valid_to=teaching.valid_to,
    )


def latest_teachers(*, tenant_id: ColumnElement[UUID]) -> FromClause:
    """Class subject (source_id) and the teacher (target_id) who teaches it now or, once it is over, taught it last."""
    teaching, later = Teaching.__table__.alias(), Teaching.__table__.alias()
    superseded = exists().where(
        later.c.tenant_id == tenant_id,
        later.c.class_subject_id == teaching.c.class_subject_id,
        later.c.valid_from > teaching.c.valid_from,
    )
    return (
        select(teaching.c.class_subject_id.label("source_id"), teaching.c.teacher_id.label("target_id"))
        .where(teaching.c.tenant_id == tenant_id, ~superseded)
        .subquery()
    )
