import pytest

from libs.kernel import InvalidInput
from subgraphs.academic.class_.rules import check_level
from subgraphs.academic.school.rules import SchoolLevel, grades_of


@pytest.mark.parametrize(("school", "first", "last"), [("SD", 1, 6), ("SMP", 7, 9), ("SMA", 10, 12), ("SMK", 10, 13)])
def test_a_school_teaches_the_grades_of_its_level(school: str, first: int, last: int):
    grades = grades_of(SchoolLevel(school))
    for level in (first, last):
        check_level(level, grades=grades)
    for level in (first - 1, last + 1):
        with pytest.raises(InvalidInput) as refused:
            check_level(level, grades=grades)
        assert [(fault.path, fault.code) for fault in refused.value.faults] == [("input.level", "OUT_OF_RANGE")]
        assert refused.value.faults[0].message("en") == f"The levels of this school are {first} to {last}."
