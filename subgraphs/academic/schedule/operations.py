"""The weekly timetable."""

from collections.abc import AsyncGenerator
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from libs.db import TenantTransaction
from libs.events.contracts.academic import ScheduleUpdated
from subgraphs.academic.academic_year.model import Semester
from subgraphs.academic.class_subject.model import ClassSubject, Teaching
from subgraphs.academic.room.model import Room
from subgraphs.academic.schedule.model import Schedule
from subgraphs.academic.schedule.queries import schedule_updated, schedules_as_told
from subgraphs.academic.schedule.rules import Busy, ScheduleConflict, Slot, check_slot


async def create_schedule(
    tx: TenantTransaction, *, class_subject_id: UUID, slot: Slot, room: str | None = None
) -> Schedule:
    """A weekly lesson of a class subject in its semester; a room not known by that name is made.

    Raises NotFound, InvalidInput, ScheduleConflict.
    """
    check_slot(slot)
    taught = await tx.get(ClassSubject, class_subject_id)
    # Two slots inserted at once would wait for each other in the exclusion constraints until one dies as a deadlock.
    await tx.get(Semester, taught.semester_id, lock=True)
    schedule = Schedule(
        id=tx.new_id(),
        class_subject_id=taught.id,
        class_id=taught.class_id,
        semester_id=taught.semester_id,
        academic_year_id=taught.academic_year_id,
        teacher_id=await _teacher_of(tx, taught.id),
        room_id=None if room is None else await _room_named(tx, room),
        day_of_week=slot.day,
        start_time=slot.start,
        end_time=slot.end,
    )
    # Read before the savepoint: a row that was refused gives its values away no more.
    keys = {Busy.CLASS: taught.class_id, Busy.TEACHER: schedule.teacher_id, Busy.ROOM: schedule.room_id}
    subject_id, semester_id = taught.subject_id, taught.semester_id
    try:
        async with tx.rejecting(
            {
                "ex_schedules_class": lambda: ScheduleConflict(what=Busy.CLASS),
                "ex_schedules_teacher": lambda: ScheduleConflict(what=Busy.TEACHER),
                "ex_schedules_room": lambda: ScheduleConflict(what=Busy.ROOM),
            }
        ):
            tx.add(schedule)
    except ScheduleConflict as conflict:
        what: Busy = conflict.data["what"]
        other = await _in_the_way(tx, semester_id, what, keys[what], slot)
        raise ScheduleConflict(what=what, schedule_id=other) from None
    tx.emit(schedule_updated(schedule, subject_id, room))
    return schedule


async def tell_schedules(tx: TenantTransaction) -> AsyncGenerator[ScheduleUpdated, None]:
    """One event for each slot of the tenant, whose row is held until COMMIT."""
    every = select(Schedule.id).where(Schedule.tenant_id == tx.tenant_id).order_by(Schedule.id)
    await tx.execute(every.with_for_update(read=True))
    async for slot in schedules_as_told(tx):
        yield slot


async def _teacher_of(tx: TenantTransaction, class_subject_id: UUID) -> UUID | None:
    """Who teaches it now, or last."""
    history = select(Teaching.teacher_id).where(
        Teaching.tenant_id == tx.tenant_id, Teaching.class_subject_id == class_subject_id
    )
    return await tx.scalar(history.order_by(Teaching.valid_from.desc()).limit(1))


async def _room_named(tx: TenantTransaction, name: str) -> UUID:
    made = insert(Room).values(id=tx.new_id(), name=name)
    await tx.execute(made.on_conflict_do_nothing(index_elements=["tenant_id", "name"]))
    named = select(Room.id).where(Room.tenant_id == tx.tenant_id, Room.name == name)
    return (await tx.scalars(named)).one()


async def _in_the_way(tx: TenantTransaction, semester_id: UUID, what: Busy, key: UUID | None, slot: Slot) -> UUID:
    column = {Busy.CLASS: Schedule.class_id, Busy.TEACHER: Schedule.teacher_id, Busy.ROOM: Schedule.room_id}[what]
    colliding = select(Schedule.id).where(
        Schedule.tenant_id == tx.tenant_id,
        Schedule.semester_id == semester_id,
        Schedule.is_active,
        column == key,
        Schedule.day_of_week == slot.day,
        Schedule.start_time < slot.end,
        Schedule.end_time > slot.start,
    )
    return (await tx.scalars(colliding.order_by(Schedule.start_time).limit(1))).one()
