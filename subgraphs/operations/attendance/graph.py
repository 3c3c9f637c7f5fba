"""Attendance in the graph."""

import datetime as dt
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, FromClause, Select, any_, or_

from libs.auth import Reach
from libs.graph import (
    Call,
    FileInput,
    Info,
    Job,
    ReadContext,
    column,
    described_enum,
    entity,
    error,
    figure,
    find_each,
    find_job,
    follow_job,
    given,
    given_out,
    mutation,
    result,
    root_aggregates,
)
from libs.kernel import Forbidden
from subgraphs.operations.attendance import model, operations, queries, rules

if TYPE_CHECKING:
    from subgraphs.operations.grading.graph import NotTeachingThisClass

described_enum(
    rules.AttendanceStatus,
    "What became of a pupil's day or lesson.",
    PRESENT="Came in time.",
    ABSENT="Did not come, and nobody knows why.",
    LATE="Came late.",
    EXCUSED="Was given leave.",
    SICK="Was ill.",
)


def _seen(student_id: ColumnElement[UUID], context: ReadContext) -> ColumnElement[bool]:
    """Families: their own. Teachers: pupils who sit today in a class they lead or teach, and their own children."""
    own = student_id == any_(context.student_ids)
    if context.reach is Reach.OWN:
        return own
    taught = queries.is_taught(student_id, tenant_id=context.tenant_id, user_id=context.user_id, today=context.today)
    return or_(taught, own) if context.keeps_own else taught


def visible_attendance(table: FromClause, context: ReadContext) -> ColumnElement[bool]:
    """See _seen."""
    return _seen(table.c.student_id, context)


@entity(model.StudentAttendance.__table__, resource="attendance", visible=visible_attendance, keyed=False)
class Attendance:
    """A pupil's mark of a day or of a lesson."""

    id: UUID = column("Identity of the mark.")
    date: dt.date = column("The day.", filter=True, order=True)
    status: rules.AttendanceStatus = column("What became of it.", filter=True, group=True)
    check_in_time: dt.datetime | None = column("When the pupil came.")
    notes: str | None = column("What was noted.")


def summary_of(
    student_id: ColumnElement[UUID],
    context: ReadContext,
    *,
    semester_id: ColumnElement[UUID] | None,
    from_: ColumnElement[dt.date] | None,
    to: ColumnElement[dt.date] | None,
) -> Select[int]:
    """A pupil's days, for those who see the pupil."""
    return queries.attendance_summary(
        student_id,
        tenant_id=context.tenant_id,
        semester_id=semester_id,
        first=from_,
        last=to,
        today=context.today,
        seen=None if context.reach is Reach.ALL else _seen(student_id, context),
    )


@entity(None, resource="attendance", keyed=False, made=summary_of)
class AttendanceSummary:
    """A pupil's days by what became of them: one mark a day, the office's before the teacher's."""

    present: int = column("Days on which the pupil came in time.")
    absent: int = column("Days missed without a reason.")
    late: int = column("Days on which the pupil came late.")
    excused: int = column("Days with leave.")
    sick: int = column("Days of illness.")
    days: int = column("Days with a mark.")


@entity(None, resource="school_overview")
class SchoolOverview:
    """The school's figures, to which every part of the system adds its own."""

    id: UUID = column("Identity of the school.")
    present_today: int | None = figure(
        "Pupils who came today, in time or late.",
        of=lambda _, context: queries.present_today(context.tenant_id, context.today),
    )


@strawberry.input(description="A pupil of whom something else is said than of the rest of the class.")
class AttendanceEntryInput:
    student_id: UUID = given("The pupil.")
    status: rules.AttendanceStatus = given("What became of the day.")
    notes: str | None = given("What is noted.", default=None, max_length=1000, lines=True)


@strawberry.input(description="The attendance of a class.")
class RecordClassAttendanceInput:
    class_id: UUID = given("The class.")
    date: dt.date = given("The day; not in the future.")
    schedule_id: UUID | None = given("The lesson; without it the whole day.", default=None)
    default: rules.AttendanceStatus = given(
        "What holds for everybody without an entry.", default=rules.AttendanceStatus.PRESENT
    )
    entries: list[AttendanceEntryInput] = given("Pupils of whom something else is said.")


@result
class RecordClassAttendanceSuccess:
    """Every pupil of the class has a mark."""

    recorded: int = given_out("Pupils who had none before.")
    updated: int = given_out("Pupils whose mark or note changed.")
    unchanged: int = given_out("Pupils for whom nothing changed.")


@error(rules.OutsideSemester)
class OutsideSemester:
    """The day lies in no semester."""


@error(rules.Holiday)
class Holiday:
    """Nobody is expected at school on that day."""

    name: str = given_out("What the day is.")


def recorder(call: Call) -> operations.Recorder:
    """Who marks: the office may mark any class."""
    return operations.Recorder(call.actor.user_id, any_class=call.actor.may("attendance:record_any"))


_NotTeachingThisClass: Any = Annotated["NotTeachingThisClass", strawberry.lazy("subgraphs.operations.grading.graph")]


@strawberry.input(
    description="Attendance as CSV or XLSX with the columns nis, date (ISO), status and, if wanted, notes."
)
class ImportAttendanceInput:
    file: FileInput = given("The file.")


@result
class ImportAttendanceSuccess:
    """The import is queued; the job tells what becomes of it."""

    job_id: strawberry.Private[UUID]

    @strawberry.field(description="The job; `operationsJob` follows it.")
    async def job(self, info: Info) -> Job:
        """Read after the commit."""
        found = await find_job(info, self.job_id, permission="attendance:import")
        assert found is not None  # committed with this very answer
        return found


@strawberry.type
class AttendanceQuery:
    """Queries about attendance."""

    attendance_aggregates = root_aggregates(Attendance, "Figures of the marks that the actor sees.")

    @strawberry.field(
        description="Long work of operations, like an import.", metadata={"permission": "attendance:import"}
    )
    async def operations_job(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="Identity of the job.")]
    ) -> Job | None:
        """Null when the school has no such job."""
        return await find_job(info, id, permission="attendance:import")


@strawberry.type
class AttendanceMutation:
    """Mutations of attendance."""

    @mutation(
        permission="attendance:record",
        feature="ATTENDANCE",
        errors=(_NotTeachingThisClass, OutsideSemester, Holiday),
    )
    async def record_class_attendance(
        self, call: Call, input: RecordClassAttendanceInput
    ) -> RecordClassAttendanceSuccess:
        """Marks a whole class on a day or in a lesson, absent by exception; the same again changes nothing."""
        done = await operations.record_class_attendance(
            call.tx,
            recorder=recorder(call),
            class_id=input.class_id,
            day=input.date,
            schedule_id=input.schedule_id,
            default=input.default,
            entries=[operations.Entry(each.student_id, each.status, each.notes) for each in input.entries],
            today=call.context.today,
        )
        return RecordClassAttendanceSuccess(recorded=done.recorded, updated=done.updated, unchanged=done.unchanged)

    @mutation(permission="attendance:import", feature="ATTENDANCE")
    async def import_attendance(self, call: Call, input: ImportAttendanceInput) -> ImportAttendanceSuccess:
        """Loads marks of past days as the office's: all rows or none; loading them again changes nothing."""
        job_id = await operations.request_import(
            call.tx,
            queue=call.context.extras.queue,
            uploads=call.context.extras.uploads,
            requested_by=call.actor.user_id,
            text=input.file.text,
            file_id=input.file.file_id,
        )
        return ImportAttendanceSuccess(job_id=job_id)


@strawberry.type
class AttendanceSubscription:
    """What is told of attendance as it happens."""

    @strawberry.subscription(
        description="Each mark of a class that is made or changed from now on, by pupil, to those who see it."
    )
    async def attendance_recorded(
        self, info: Info, class_id: Annotated[UUID, strawberry.argument(description="The class.")]
    ) -> AsyncGenerator[Attendance | None]:
        """Raises Forbidden for a class of which the actor sees nothing, absent and foreign ones among them."""
        context, actor = info.context, info.context.signed_in
        # Listening comes first: what is recorded while the class is looked at is told as well.
        async with operations.recordings(context.extras.feed, actor.tenant_id, class_id) as recordings:
            async with context.database.read(actor.binding("attendance")) as tx:
                if not await queries.sees_class(tx, actor, class_id, context.today):
                    raise Forbidden
            async for recording in recordings:
                for mark in await find_each(info, Attendance, order="student_id, schedule_id", **recording):
                    yield mark

    @strawberry.subscription(
        description="Long work of operations as it stands, then whenever status or progress change, until it ends.",
        metadata={"permission": "attendance:import"},
    )
    async def operations_job_progress(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="Identity of the job.")]
    ) -> AsyncGenerator[Job | None]:
        """Null, and no more, when the school has no such job."""
        async for job in follow_job(info, id, permission="attendance:import"):
            yield job
