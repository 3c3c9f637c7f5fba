"""The timetable as it is read and as events tell of it."""

from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, select

from libs.db import ReadTransaction
from libs.events.contracts.academic import ScheduleUpdated
from subgraphs.academic.academic_year.model import Semester
from subgraphs.academic.class_.queries import in_seen_class
from subgraphs.academic.class_subject.model import ClassSubject
from subgraphs.academic.room.model import Room
from subgraphs.academic.schedule.model import Schedule

__all__ = ["in_seen_class", "room_name", "schedule_updated", "schedules_as_told", "week_of"]


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


async def schedules_as_told(
    tx: ReadTransaction, *conditions: ColumnElement[bool]
) -> AsyncGenerator[ScheduleUpdated, None]:
    """The state of the tenant's slots for which these conditions hold, as others need it."""
    slots = (
        select(Schedule, ClassSubject.subject_id, Room.name)
        .join(ClassSubject, (ClassSubject.tenant_id == tx.tenant_id) & (ClassSubject.id == Schedule.class_subject_id))
        .outerjoin(Room, (Room.tenant_id == tx.tenant_id) & (Room.id == Schedule.room_id))
        .where(Schedule.tenant_id == tx.tenant_id, *conditions)
        .order_by(Schedule.id)
        .execution_options(populate_existing=True)
    )
    for schedule, subject_id, room in await tx.execute(slots):
        yield schedule_updated(schedule, subject_id, room)


def schedule_updated(schedule: Schedule, subject_id: UUID, room: str | None) -> ScheduleUpdated:
    """The slot's full state as others need it; `room` is the name of its room."""
    return ScheduleUpdated(
        schedule_id=schedule.id,
        class_subject_id=schedule.class_subject_id,
        class_id=schedule.class_id,
        subject_id=subject_id,
        semester_id=schedule.semester_id,
        teacher_id=schedule.teacher_id,
        day_of_week=schedule.day_of_week,
        start_time=schedule.start_time,
        end_time=schedule.end_time,
        room=room,
        is_active=schedule.is_active is not False,  # a new row has its default only once it was read
    )
