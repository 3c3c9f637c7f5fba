"""Rules of a school: what its level means for the classes it may have."""

from enum import StrEnum


class SchoolLevel(StrEnum):
    """The kind of school, which decides the grade levels it teaches."""

    SD = "SD"
    SMP = "SMP"
    SMA = "SMA"
    SMK = "SMK"


_GRADES = {
    SchoolLevel.SD: range(1, 7),
    SchoolLevel.SMP: range(7, 10),
    SchoolLevel.SMA: range(10, 13),
    # A four-year vocational programme ends with grade 13.
    SchoolLevel.SMK: range(10, 14),
}


def grades_of(level: SchoolLevel) -> range:
    """The grade levels a school of this level teaches."""
    return _GRADES[level]
