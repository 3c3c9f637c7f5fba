"""Rules of a class: its kind, its place in the school and its seats."""

from enum import StrEnum
from typing import ClassVar

from libs.kernel import DomainError, FieldFault, InvalidInput

DEFAULT_CAPACITY = 40
LARGEST_CAPACITY = 1000


class ClassKind(StrEnum):
    """What a class is for a pupil: the one regular class of a year, or a group beside it."""

    REGULAR = "REGULAR"
    ELECTIVE = "ELECTIVE"
    EXTRACURRICULAR = "EXTRACURRICULAR"


class NameTaken(DomainError):
    """The year already has a class of that name. Data: `name`."""

    code = "NAME_TAKEN"
    texts: ClassVar = {
        "id": "Kelas {name} sudah ada pada tahun ajaran ini.",
        "en": "There already is a class {name} in this academic year.",
    }


def check_level(level: int, *, grades: range) -> None:
    """A class's grade level is one of those its school teaches. Raises InvalidInput."""
    if level not in grades:
        first, last = grades[0], grades[-1]
        texts = {
            "id": f"Tingkat di sekolah ini adalah {first} sampai {last}.",
            "en": f"The levels of this school are {first} to {last}.",
        }
        raise InvalidInput([FieldFault("input.level", "OUT_OF_RANGE", texts)])
