"""Which enrollments a teacher sees."""

from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, and_

from subgraphs.academic.class_.queries import among, taught_class_ids
from subgraphs.academic.student.queries import is_taught


def taught_enrollments(
    table: FromClause, *, tenant_id: ColumnElement[UUID], user_id: ColumnElement[UUID], today: ColumnElement[date]
) -> ColumnElement[bool]:
    """Enrollments in the teacher's classes, of pupils who sit in one of them today."""
    return and_(
        among(table.c.class_id, taught_class_ids(tenant_id=tenant_id, user_id=user_id, today=today)),
        is_taught(table.c.student_id, tenant_id=tenant_id, user_id=user_id, today=today),
    )
