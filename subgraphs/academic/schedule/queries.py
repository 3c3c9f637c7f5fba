"""The timetable as it is read."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, select

from subgraphs.academic.academic_year.model import Semester
from subgraphs.academic.class_.queries import in_seen_class
from subgraphs.academic.room.model import Room

__all__ = ["in_seen_class", "room_name", "week_of"]


def room_name(schedule: FromClause) -> ColumnElement[str]:
    """Name of a slot's room."""
    room = Room.__table__.alias()
    same = (room.c.tenant_id == schedule.c.tenant_id, room.c.id == schedule.c.room_id)
    return select(room.c.name).where(*same).scalar_subquery()


def week_of(
    schedule: FromClause,
    *,
    class_id: ColumnElement[UUID] | None,
    teacher_id: ColumnElement[UUID] | None,
    semester_id: ColumnElement[UUID] | None,
) -> Sequence[ColumnElement[bool]]:
    """The slots of a class or teacher in a semester, the active one unless given."""
    semester = Semester.__table__.alias()
    active = select(semester.c.id).where(semester.c.tenant_id == schedule.c.tenant_id, semester.c.is_active)
    wanted = active.scalar_subquery() if semester_id is None else semester_id
    conditions: list[ColumnElement[bool]] = [schedule.c.is_active, schedule.c.semester_id == wanted]
    if class_id is not None:
        conditions.append(schedule.c.class_id == class_id)
    if teacher_id is not None:
        conditions.append(schedule.c.teacher_id == teacher_id)
    return conditions
