"""Rules of the subjects of a class: who teaches them, from when to when."""

from dataclasses import dataclass
from datetime import date, timedelta

from libs.kernel import FieldFault, InvalidInput


@dataclass(frozen=True, slots=True)
class Handover:
    """A change of teacher: the former one teaches until the day before, the new one until `valid_to` excluded."""

    valid_from: date
    valid_to: date
    replaces_from_start: bool


def check_same_year(*, class_year: object, semester_year: object) -> None:
    """The semester is one of the class's own academic year. Raises InvalidInput."""
    if class_year != semester_year:
        texts = {
            "id": "Semester ini bukan dari tahun ajaran kelas.",
            "en": "The semester belongs to another academic year than the class.",
        }
        raise InvalidInput([FieldFault("input.semesterId", "OTHER_YEAR", texts)])


def hand_over(*, today: date, semester_start: date, semester_end: date, former_from: date | None) -> Handover:
    """From when a new teacher teaches.

    The first one has the whole semester. A later one starts today and leaves the days before to the former; until the
    former's first day has passed, the former never taught and is replaced. Raises InvalidInput once the semester is
    over.
    """
    end = semester_end + timedelta(days=1)
    if former_from is None:
        return Handover(semester_start, end, replaces_from_start=False)
    if today >= end:
        texts = {
            "id": "Semester sudah berakhir: pengajarnya tidak dapat diganti.",
            "en": "The semester is over: its teacher cannot change any more.",
        }
        raise InvalidInput([FieldFault("input.teacherId", "SEMESTER_OVER", texts)])
    if today <= former_from:
        return Handover(former_from, end, replaces_from_start=True)
    return Handover(today, end, replaces_from_start=False)


def teacher_busy() -> InvalidInput:
    """What is told when the new teacher has other lessons at the time of this subject's lessons."""
    texts = {
        "id": "Guru ini mengajar di kelas lain pada jam yang sama.",
        "en": "The teacher has another lesson at the same time.",
    }
    return InvalidInput([FieldFault("input.teacherId", "SCHEDULE_CONFLICT", texts)])
