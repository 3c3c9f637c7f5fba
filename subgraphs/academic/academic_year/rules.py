"""Rules of academic years: two semesters that fill the year, and no day in two years."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from libs.kernel import DomainError, FieldFault, InvalidInput

_LONGEST_YEAR = timedelta(days=731)


class AcademicYearOverlaps(DomainError):
    """Another year of the school has some of these days. Data: `other_id`, `name` of the other year."""

    code = "ACADEMIC_YEAR_OVERLAPS"
    texts: ClassVar = {
        "id": "Tanggalnya beririsan dengan tahun ajaran {name}.",
        "en": "The dates overlap the academic year {name}.",
    }


@dataclass(frozen=True, slots=True)
class SemesterPlan:
    """One half of a year; both days belong to it."""

    number: int
    name: str
    start_date: date
    end_date: date


def plan_semesters(*, start_date: date, end_date: date, second_semester_start: date) -> tuple[SemesterPlan, ...]:
    """The two semesters of a year: the second one's start ends the first the day before.

    Raises InvalidInput when the dates are out of order or the year is longer than two.
    """
    faults = []
    if not start_date < end_date:
        texts = {"id": "Harus setelah tanggal mulai.", "en": "Must come after the start."}
        faults.append(FieldFault("input.endDate", "OUT_OF_ORDER", texts))
    elif end_date - start_date > _LONGEST_YEAR:
        texts = {"id": "Tahun ajaran paling lama dua tahun.", "en": "A year lasts two years at most."}
        faults.append(FieldFault("input.endDate", "TOO_LONG", texts))
    # Both semesters hold at least two days, because a semester starts before it ends.
    if not faults and not start_date + timedelta(days=2) <= second_semester_start < end_date:
        texts = {"id": "Harus di dalam tahun ajaran.", "en": "Must lie within the year."}
        faults.append(FieldFault("input.secondSemesterStart", "OUT_OF_RANGE", texts))
    if faults:
        raise InvalidInput(faults)
    return (
        SemesterPlan(1, "Ganjil", start_date, second_semester_start - timedelta(days=1)),
        SemesterPlan(2, "Genap", second_semester_start, end_date),
    )


def name_taken() -> InvalidInput:
    """What a second year of the same name is told."""
    texts = {"id": "Nama ini sudah dipakai tahun ajaran lain.", "en": "Another academic year has this name."}
    return InvalidInput([FieldFault("input.name", "TAKEN", texts)])
