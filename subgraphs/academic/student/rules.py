"""Rules of pupils and their guardians."""

from enum import StrEnum


class Gender(StrEnum):
    """Sex as registered."""

    MALE = "MALE"
    FEMALE = "FEMALE"


class StudentStatus(StrEnum):
    """Where a pupil stands with the school."""

    ACTIVE = "ACTIVE"
    TRANSFERRED = "TRANSFERRED"
    GRADUATED = "GRADUATED"
    WITHDRAWN = "WITHDRAWN"


class GuardianRelation(StrEnum):
    """What a guardian is to a pupil."""

    FATHER = "FATHER"
    MOTHER = "MOTHER"
    GUARDIAN = "GUARDIAN"


def name_words(full_name: str) -> list[str]:
    """The words a name is found by: case folded, each once, in the order of the name."""
    return list(dict.fromkeys(full_name.casefold().split()))
