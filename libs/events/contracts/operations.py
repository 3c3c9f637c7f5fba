"""Events of operations: attendance and report cards."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from libs.events.contracts.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendanceEntry:
    """One pupil's mark. Status as the graph's enum."""

    student_id: UUID
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendanceRecorded(Event):
    """Marks of a class on a day were made or changed; without `schedule_id` those of the whole day."""

    domain: ClassVar[str] = "operations"
    aggregate: ClassVar[str] = "attendance"
    aggregate_key: ClassVar[str] = "class_id"

    class_id: UUID
    date: date
    schedule_id: UUID | None
    entries: tuple[AttendanceEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceNotified(Event):
    """A pupil is missing today, or late; told to the guardians once for each pupil and day.

    `status` is ABSENT or LATE, or what else the pupil's day became when the mark was corrected: then there is nothing
    to tell any more.
    """

    domain: ClassVar[str] = "operations"
    aggregate: ClassVar[str] = "absence"
    aggregate_key: ClassVar[str] = "absence_id"

    absence_id: UUID  # identity of the pupil's mark of that day
    student_id: UUID
    class_id: UUID
    class_name: str
    date: date
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportCardGenerated(Event):
    """A report card, or a new revision of it, has its PDF."""

    domain: ClassVar[str] = "operations"
    aggregate: ClassVar[str] = "report_card"
    aggregate_key: ClassVar[str] = "report_card_id"

    report_card_id: UUID
    student_id: UUID
    semester_id: UUID
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsStorageCounted(Event):
    """What operations keeps of a school's files in all, bytes, announced uploads with them."""

    domain: ClassVar[str] = "operations"
    aggregate: ClassVar[str] = "storage"
    aggregate_key: ClassVar[str] = "tenant_id"

    tenant_id: UUID
    kept_bytes: int


EVENTS: tuple[type[Event], ...] = (AttendanceRecorded, AbsenceNotified, ReportCardGenerated, OperationsStorageCounted)
