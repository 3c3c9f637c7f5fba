"""Rules of attendance."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import ClassVar, Final, Literal
from uuid import UUID, uuid5

from libs.kernel import DomainError, FieldFault, InvalidInput

_SUNDAY: Final = 7
_ABSENCES: Final = UUID("6f1d3a52-9d1b-5c39-8f0a-3f6c8f1f5b7e")


class AttendanceStatus(StrEnum):
    """What became of a pupil's day or lesson."""

    PRESENT = "PRESENT"
    ABSENT = "ABSENT"
    LATE = "LATE"
    EXCUSED = "EXCUSED"
    SICK = "SICK"


MISSED: Final = frozenset({AttendanceStatus.ABSENT, AttendanceStatus.LATE})
"""What guardians are told of."""


class OutsideSemester(DomainError):
    """The day lies in no semester of the school."""

    code = "OUTSIDE_SEMESTER"
    texts: ClassVar = {"id": "Tanggal itu di luar semester.", "en": "That day lies in no semester."}


class Holiday(DomainError):
    """Nobody is expected at school on that day. Data: `name`."""

    code = "HOLIDAY"
    texts: ClassVar = {"id": "Hari libur: {name}.", "en": "A holiday: {name}."}


def fault_of_day(
    day: date, *, today: date, holiday: str | None, terms: Iterable[tuple[date, date]]
) -> Literal["FUTURE", "OUTSIDE_SEMESTER", "HOLIDAY"] | None:
    """Why no attendance is kept on a day; `terms` are the first and last days of semesters."""
    if day > today:
        return "FUTURE"
    if not any(first <= day <= last for first, last in terms):
        return "OUTSIDE_SEMESTER"
    return "HOLIDAY" if holiday is not None or day.isoweekday() == _SUNDAY else None


def check_day(day: date, *, today: date, holiday: str | None, terms: Iterable[tuple[date, date]]) -> None:
    """Whether attendance is kept on a day. Raises InvalidInput for the future, OutsideSemester, Holiday."""
    match fault_of_day(day, today=today, holiday=holiday, terms=terms):
        case "FUTURE":
            texts = {"id": "Tanggal ini belum tiba.", "en": "That day has not come yet."}
            raise InvalidInput([FieldFault("input.date", "FUTURE", texts)])
        case "OUTSIDE_SEMESTER":
            raise OutsideSemester
        case "HOLIDAY":
            raise Holiday(name=holiday or "Minggu")


def check_entries(student_ids: Sequence[UUID], sitting: frozenset[UUID]) -> None:
    """Whether each pupil stands once and sits in the class. Raises InvalidInput with every fault."""
    texts: dict[str, Mapping[str, str]] = {
        "NOT_FOUND": {"id": "Siswa ini tidak duduk di kelas itu.", "en": "This pupil does not sit in the class."},
        "DUPLICATE": {"id": "Siswa ini muncul lebih dari sekali.", "en": "This pupil appears more than once."},
    }
    faults = []
    seen: set[UUID] = set()
    for place, student_id in enumerate(student_ids):
        code = "NOT_FOUND" if student_id not in sitting else "DUPLICATE" if student_id in seen else None
        seen.add(student_id)
        if code is not None:
            faults.append(FieldFault(f"input.entries[{place}].studentId", code, texts[code]))
    if faults:
        raise InvalidInput(faults)


def absence_of(student_id: UUID, day: date) -> UUID:
    """The identity of a pupil's missed day: the same however often and by whom it is marked."""
    return uuid5(_ABSENCES, f"{student_id}/{day.isoformat()}")
