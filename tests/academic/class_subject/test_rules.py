from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel import InvalidInput
from subgraphs.academic.class_subject.rules import check_same_year, hand_over

START, END = date(2026, 7, 13), date(2026, 12, 19)
AFTER = END + timedelta(days=1)


def test_the_first_teacher_has_the_whole_semester():
    for today in (START - timedelta(days=9), START, END, AFTER):
        change = hand_over(today=today, semester_start=START, semester_end=END, former_from=None)
        assert (change.valid_from, change.valid_to, change.replaces_from_start) == (START, AFTER, False)


@given(former=st.integers(0, 159), today=st.integers(-30, 158))
def test_a_later_teacher_never_shares_a_day_with_the_former(former: int, today: int):
    former_from, day = START + timedelta(days=former), START + timedelta(days=today)
    change = hand_over(today=day, semester_start=START, semester_end=END, former_from=former_from)
    assert change.valid_to == AFTER
    assert change.replaces_from_start is (day <= former_from)
    assert change.valid_from == max(day, former_from)
    assert START <= change.valid_from < AFTER


def test_a_semester_that_is_over_keeps_its_teachers():
    with pytest.raises(InvalidInput) as refused:
        hand_over(today=AFTER, semester_start=START, semester_end=END, former_from=START)
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [("input.teacherId", "SEMESTER_OVER")]


def test_a_semester_of_another_year_is_refused():
    check_same_year(class_year=UUID(int=1), semester_year=UUID(int=1))
    with pytest.raises(InvalidInput) as refused:
        check_same_year(class_year=UUID(int=1), semester_year=UUID(int=2))
    assert refused.value.faults[0].path == "input.semesterId"
