"""Rules of enrollments: seats, one regular class at a time, days within the year."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import ClassVar

from libs.kernel import DomainError, FieldFault, InvalidInput


class EnrollmentStatus(StrEnum):
    """How a pupil's time in a class stands, or why it ended."""

    ACTIVE = "ACTIVE"
    TRANSFERRED = "TRANSFERRED"
    GRADUATED = "GRADUATED"
    WITHDRAWN = "WITHDRAWN"


class ClassFull(DomainError):
    """Every seat is taken. Data: `capacity`."""

    code = "CLASS_FULL"
    texts: ClassVar = {
        "id": "Kelas penuh: {capacity} kursi sudah terisi.",
        "en": "The class is full: all {capacity} seats are taken.",
    }


class AlreadyEnrolled(DomainError):
    """The pupil sits in a class in these days. Data: `class_id`, `name` of that class."""

    code = "ALREADY_ENROLLED"
    texts: ClassVar = {
        "id": "Siswa sudah terdaftar di kelas {name}.",
        "en": "The pupil is already enrolled in {name}.",
    }


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `valid_from` until the day before `valid_to`."""

    valid_from: date
    valid_to: date

    def overlaps(self, other: "Period") -> bool:
        """Whether some day is in both."""
        return self.valid_from < other.valid_to and other.valid_from < self.valid_to


def enrollment_period(*, since: date | None, today: date, year_start: date, year_end: date) -> Period:
    """The days of a new enrollment in a class of that year: from `since` until the year is over.

    Left out, it is today, or the year's first day when that is still to come. Raises InvalidInput outside the year.
    """
    first = since if since is not None else max(today, year_start)
    if not year_start <= first <= year_end:
        texts = {"id": "Di luar tahun ajaran kelas ini.", "en": "Outside the academic year of the class."}
        path = "input.from" if since is not None else "input.classId"
        raise InvalidInput([FieldFault(path, "OUT_OF_RANGE", texts)])
    return Period(first, year_end + timedelta(days=1))


def check_enrollable(status: str) -> None:
    """Only pupils who are at the school get a seat. Raises InvalidInput."""
    if status != EnrollmentStatus.ACTIVE:
        texts = {"id": "Siswa ini sudah tidak aktif.", "en": "The pupil has left the school."}
        raise InvalidInput([FieldFault("input.studentId", "NOT_ACTIVE", texts)])
