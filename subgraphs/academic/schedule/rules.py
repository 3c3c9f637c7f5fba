"""Rules of the timetable: slots of a week that never overlap for class, teacher or room."""

from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import ClassVar

from libs.kernel import DomainError, FieldFault, InvalidInput

_DAYS = range(1, 8)


class Busy(StrEnum):
    """Who or what would be in two lessons at once."""

    CLASS = "CLASS"
    TEACHER = "TEACHER"
    ROOM = "ROOM"


class ScheduleConflict(DomainError):
    """A slot is in the way. Data: `schedule_id` of it, `what` is in both."""

    code = "SCHEDULE_CONFLICT"
    texts: ClassVar = {
        "id": "Jadwal bentrok dengan jam pelajaran lain ({what}).",
        "en": "The slot collides with another lesson ({what}).",
    }


@dataclass(frozen=True, slots=True)
class Slot:
    """A time of the week; `end` is not part of it. Day 1 is Monday."""

    day: int
    start: time
    end: time

    def overlaps(self, other: "Slot") -> bool:
        """Whether some moment is in both: slots that touch do not overlap."""
        return self.day == other.day and self.start < other.end and other.start < self.end


def check_slot(slot: Slot) -> None:
    """A slot is on a day from Monday (1) to Sunday (7) and ends after it starts. Raises InvalidInput."""
    faults = []
    if slot.day not in _DAYS:
        texts = {"id": "Hari adalah 1 (Senin) sampai 7 (Minggu).", "en": "Days are 1 (Monday) to 7 (Sunday)."}
        faults.append(FieldFault("input.dayOfWeek", "OUT_OF_RANGE", texts))
    if not slot.start < slot.end:
        texts = {"id": "Harus setelah jam mulai.", "en": "Must come after the start."}
        faults.append(FieldFault("input.endTime", "OUT_OF_ORDER", texts))
    if faults:
        raise InvalidInput(faults)
