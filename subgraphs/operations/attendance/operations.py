"""Keeping attendance: a class by its teacher or the office, and many days at once from a file."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text as sql

from libs.db import TenantTransaction
from libs.events import Feed, school_day
from libs.events.contracts.operations import AbsenceNotified, AttendanceEntry, AttendanceRecorded
from libs.files import Content, Uploads
from libs.jobs import JobQueue, RunningJob
from libs.kernel import FieldFault, InvalidInput
from subgraphs.operations.attendance.imports import fault, parse_attendance
from subgraphs.operations.attendance.queries import (
    classes_on_days,
    holidays_between,
    keeps_class,
    semesters,
    sitting_in,
    statuses_of,
    students_by_nis,
)
from subgraphs.operations.attendance.rules import (
    MISSED,
    AttendanceStatus,
    absence_of,
    check_day,
    check_entries,
    fault_of_day,
)
from subgraphs.operations.grading.rules import NotTeachingThisClass
from subgraphs.operations.model import Tenant
from subgraphs.operations.roster.model import Class, Schedule

# In the order of pupils, so that two who mark the same class wait for each other instead of deadlocking. What is equal
# already is left as it is; `xmax = 0` tells a row that was not there before.
_MARK: Final = sql(
    """
    insert into operations.student_attendance as known
      (id, student_id, class_id, schedule_id, date, status, notes, recorded_by, source, observed_at)
    select uuidv7(), mark.student_id, mark.class_id, cast(:schedule_id as uuid), mark.day, mark.status, mark.notes,
      :recorded_by, :source, :now
    from unnest(cast(:students as uuid[]), cast(:classes as uuid[]), cast(:days as date[]), cast(:statuses as text[]),
      cast(:notes as text[])) as mark (student_id, class_id, day, status, notes)
    order by mark.student_id, mark.day
    on conflict on constraint uq_student_attendance_mark do update set
      status = excluded.status, notes = excluded.notes, class_id = excluded.class_id,
      recorded_by = excluded.recorded_by, observed_at = excluded.observed_at, updated_at = now()
    where (known.status, known.notes) is distinct from (excluded.status, excluded.notes)
    returning known.student_id, known.class_id, known.date, known.status, known.xmax = 0 as is_new
    """
)
# Held until COMMIT by who marks today: what a family was told is compared with what another transaction may just be
# writing. Not rows of the roster, which consumers take in the order of their events.
_ONE_AFTER_ANOTHER: Final = sql("select pg_advisory_xact_lock(hashtextextended(:name, 0))")

IMPORT_ATTENDANCE: Final = "IMPORT_ATTENDANCE"
_MOST_FAULTS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Recorder:
    """Who marks; `any_class` is the office, which needs to teach none."""

    user_id: UUID
    any_class: bool

    @property
    def source(self) -> str:
        """Whose marks these are."""
        return "OFFICE" if self.any_class else "TEACHER"


@dataclass(frozen=True, slots=True)
class Mark:
    """What is said of a pupil's day."""

    student_id: UUID
    class_id: UUID
    day: date
    status: AttendanceStatus
    notes: str | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of the marks."""

    recorded: int
    updated: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A pupil of whom something else is said than of the rest of the class."""

    student_id: UUID
    status: AttendanceStatus
    notes: str | None


async def record_class_attendance(
    tx: TenantTransaction,
    *,
    recorder: Recorder,
    class_id: UUID,
    day: date,
    schedule_id: UUID | None,
    default: AttendanceStatus,
    entries: Sequence[Entry],
    today: date,
) -> Recorded:
    """Marks a whole class on a day, or in a lesson of it: `default` for everybody of whom no entry says otherwise.

    Raises NotFound, InvalidInput, NotTeachingThisClass, OutsideSemester, Holiday.
    """
    class_ = await tx.get(Class, class_id)
    free = (await holidays_between(tx, day, day)).get(day)
    check_day(day, today=today, holiday=free, terms=await semesters(tx))
    if not recorder.any_class and not await keeps_class(tx, class_id=class_.id, user_id=recorder.user_id, day=day):
        raise NotTeachingThisClass
    if schedule_id is not None:
        await _check_lesson(tx, schedule_id, class_.id, day)
    sitting = await sitting_in(tx, class_.id, day)
    check_entries([entry.student_id for entry in entries], sitting)
    said = {entry.student_id: entry for entry in entries}
    marks = [
        Mark(
            student_id,
            class_.id,
            day,
            said[student_id].status if student_id in said else default,
            said[student_id].notes if student_id in said else None,
        )
        for student_id in sitting
    ]
    return await keep_marks(tx, marks, recorder=recorder, schedule_id=schedule_id, today=today)


async def _check_lesson(tx: TenantTransaction, schedule_id: UUID, class_id: UUID, day: date) -> None:
    lesson = await tx.get(Schedule, schedule_id)
    if lesson.class_id != class_id or lesson.day_of_week != day.isoweekday() or not lesson.is_active:
        texts = {
            "id": "Kelas ini tidak punya jam itu pada hari itu.",
            "en": "The class has no such lesson on that day.",
        }
        raise InvalidInput([FieldFault("input.scheduleId", "NOT_FOUND", texts)])


async def keep_marks(
    tx: TenantTransaction, marks: Sequence[Mark], *, recorder: Recorder, schedule_id: UUID | None, today: date
) -> Recorded:
    """Writes marks, and tells of what changed; whose day of today is missed, of that too."""
    todays = {mark.student_id: mark.class_id for mark in marks if mark.day == today}
    if todays:
        await tx.execute(_ONE_AFTER_ANOTHER, {"name": f"operations.attendance/{tx.tenant_id}/{today}"})
    before = await statuses_of(tx, list(todays), today) if todays else {}
    values = {
        "students": [mark.student_id for mark in marks],
        "classes": [mark.class_id for mark in marks],
        "days": [mark.day for mark in marks],
        "statuses": [mark.status.value for mark in marks],
        "notes": [mark.notes for mark in marks],
        "schedule_id": schedule_id,
        "recorded_by": recorder.user_id,
        "source": recorder.source,
        "now": tx.now,
    }
    changed = (await tx.execute(_MARK, values)).all()
    by_class = sorted(changed, key=lambda row: (row.class_id, row.date, row.student_id))
    for (class_id, day), rows in groupby(by_class, key=lambda row: (row.class_id, row.date)):
        entries = tuple(AttendanceEntry(student_id=row.student_id, status=row.status) for row in rows)
        tx.emit(AttendanceRecorded(class_id=class_id, date=day, schedule_id=schedule_id, entries=entries))
    if todays:
        await _tell_absences(tx, before, todays, today)
    new = sum(row.is_new for row in changed)
    return Recorded(recorded=new, updated=len(changed) - new, unchanged=len(marks) - len(changed))


async def _tell_absences(
    tx: TenantTransaction, before: dict[UUID, str], classes: dict[UUID, UUID], today: date
) -> None:
    """Of pupils whose day became one that is missed, or is one no more."""
    names: dict[UUID, str] = {}
    after = await statuses_of(tx, list(classes), today)
    for student_id, class_id in sorted(classes.items()):
        was, became = before.get(student_id), after[student_id]
        if was == became or not MISSED & {was, became}:
            continue
        if class_id not in names:
            names[class_id] = (await tx.get(Class, class_id)).name
        tx.emit(
            AbsenceNotified(
                absence_id=absence_of(student_id, today),
                student_id=student_id,
                class_id=class_id,
                class_name=names[class_id],
                date=today,
                status=became,
            )
        )


@asynccontextmanager
async def recordings(feed: Feed, tenant_id: UUID, class_id: UUID) -> AsyncIterator[AsyncIterator[Mapping[str, Any]]]:
    """What is recorded of a class from now on: of each recording, what its marks have in common. Raises FeedEnded.

    A mark is dated by its transaction, as the event is; one that has changed since has an event of its own.
    """
    async with feed.listen(AttendanceRecorded, tenant_id) as told:
        yield (
            {"class_id": class_id, "date": event.date, "observed_at": meta.time}
            async for event, meta in told
            if event.class_id == class_id
        )


async def request_import(
    tx: TenantTransaction,
    *,
    queue: JobQueue,
    uploads: Uploads,
    requested_by: UUID,
    text: str | None,
    file_id: UUID | None,
) -> UUID:
    """Queues the import of a file; answers the job's id. Raises InvalidInput without one, NotFound."""
    file = await uploads.take(tx, text=text, file_id=file_id)
    payload = {"by": str(requested_by), **file}
    return await queue.enqueue(tx, IMPORT_ATTENDANCE, payload, created_by=requested_by)


async def carry_out_import(tx: TenantTransaction, job: RunningJob, *, uploads: Uploads) -> None:
    """The job itself. Raises InvalidInput with every fault of the file."""
    today = await school_day(tx, Tenant, tx.now)
    content = await uploads.open(tx, job.payload)
    await import_attendance(tx, by=UUID(job.payload["by"]), content=content, today=today)
    await uploads.discard(tx, job.payload)


async def import_attendance(tx: TenantTransaction, *, by: UUID, content: Content, today: date) -> Recorded:
    """Marks of many days, as the office's: all rows of a file or none. Raises InvalidInput with every fault."""
    rows, faults = parse_attendance(content)
    days = [row.day for row in rows] or [today]
    students = await students_by_nis(tx, {row.nis for row in rows})
    classes = await classes_on_days(tx, list(students.values()), min(days), max(days))
    free = await holidays_between(tx, min(days), max(days))
    terms = await semesters(tx)
    marks = []
    for row in rows:
        student_id = students.get(row.nis)
        class_id = classes.get(student_id, row.day) if student_id else None
        wrong = fault_of_day(row.day, today=today, holiday=free.get(row.day), terms=terms)
        if wrong is not None:
            faults.append(fault(row.line, "date", wrong))
        elif student_id is None or class_id is None:
            faults.append(fault(row.line, "nis", "NOT_FOUND" if student_id is None else "NOT_ENROLLED"))
        else:
            marks.append(Mark(student_id, class_id, row.day, row.status, row.notes))
    if faults:
        raise InvalidInput(faults[:_MOST_FAULTS])
    return await keep_marks(tx, marks, recorder=Recorder(by, any_class=True), schedule_id=None, today=today)
