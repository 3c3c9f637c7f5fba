"""The timetable in the graph."""

from collections.abc import Sequence
from datetime import time
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, FromClause

from libs.auth import Reach
from libs.graph import (
    Call,
    Info,
    ReadContext,
    column,
    described_enum,
    entity,
    error,
    find_all,
    given,
    given_out,
    mutation,
    one,
    result,
)
from subgraphs.academic.schedule import model, operations, rules
from subgraphs.academic.schedule.queries import in_seen_class, room_name, week_of

if TYPE_CHECKING:
    from subgraphs.academic.class_subject.graph import ClassSubject

_MOST_SLOTS: Final = 10_000  # a whole school's week; a class has about fifty

described_enum(
    rules.Busy,
    "Who or what would be in two lessons at once.",
    CLASS="The class.",
    TEACHER="The teacher.",
    ROOM="The room.",
)


def visible_schedules(table: FromClause, context: ReadContext) -> ColumnElement[bool]:
    """Those of the classes the actor sees."""
    return in_seen_class(
        table.c.class_id,
        tenant_id=context.tenant_id,
        user_id=context.user_id,
        student_ids=context.student_ids,
        today=context.today,
        as_teacher=context.reach is Reach.TAUGHT,
        as_family=context.keeps_own,
    )


@entity(model.Schedule.__table__, resource="schedule", visible=visible_schedules, keyed=False)
class Schedule:
    """A lesson of every week of a semester."""

    id: UUID = column("Identity of the slot.")
    class_subject: Annotated["ClassSubject", strawberry.lazy("subgraphs.academic.class_subject.graph")] = one(
        "ClassSubject", "Which subject of which class."
    )
    day_of_week: int = column("Day, 1 (Monday) to 7 (Sunday).")
    start_time: time = column("When it begins, on the school's clock.")
    end_time: time = column("When it is over.")
    room: str | None = column("Name of the room.", of=room_name)


@error(rules.ScheduleConflict)
class ScheduleConflict:
    """Another lesson is in the way."""

    schedule_id: strawberry.Private[UUID]
    what: rules.Busy = given_out("Who or what is in both.")
    with_: Schedule = one("Schedule", "The other lesson.", local="schedule_id")


@strawberry.input(description="A weekly lesson.")
class CreateScheduleInput:
    class_subject_id: UUID = given("Which subject of which class.")
    day_of_week: int = given("Day, 1 (Monday) to 7 (Sunday).")
    start_time: time = given("When it begins, on the school's clock.")
    end_time: time = given("When it is over; another lesson may begin then.")
    room: str | None = given("Name of the room; one not known yet is made.", default=None, max_length=60)


@result
class CreateScheduleSuccess:
    """The lesson is in the timetable."""

    schedule_id: strawberry.Private[UUID]
    schedule: Schedule = one("Schedule", "The new lesson.")


def _week_of(table: FromClause, _: ReadContext, **wanted: ColumnElement[UUID] | None) -> Sequence[ColumnElement[bool]]:
    return week_of(table, **wanted)


@strawberry.type
class ScheduleQuery:
    """Queries about the timetable."""

    @strawberry.field(description="The lessons of a week, by day and time, of the classes the actor may see.")
    async def weekly_schedule(
        self,
        info: Info,
        class_id: Annotated[UUID | None, strawberry.argument(description="Of this class.")] = None,
        teacher_id: Annotated[UUID | None, strawberry.argument(description="Of this teacher.")] = None,
        semester_id: Annotated[
            UUID | None, strawberry.argument(description="In this semester; the active one unless given.")
        ] = None,
    ) -> list[Schedule]:
        """Empty without an active semester."""

        return await find_all(  # type: ignore[no-any-return]
            info,
            Schedule,
            _week_of,
            order="day_of_week, start_time, id",
            most=_MOST_SLOTS,
            class_id=class_id,
            teacher_id=teacher_id,
            semester_id=semester_id,
        )


@strawberry.type
class ScheduleMutation:
    """Mutations of the timetable."""

    @mutation(permission="schedule:create", errors=(ScheduleConflict,))
    async def create_schedule(self, call: Call, input: CreateScheduleInput) -> CreateScheduleSuccess:
        """Adds a weekly lesson; neither class nor teacher nor room is in two at once."""
        slot = rules.Slot(input.day_of_week, input.start_time, input.end_time)
        schedule = await operations.create_schedule(
            call.tx, class_subject_id=input.class_subject_id, slot=slot, room=input.room
        )
        return CreateScheduleSuccess(schedule_id=schedule.id)
