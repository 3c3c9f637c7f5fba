from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel import InvalidInput
from subgraphs.academic.academic_year.rules import plan_semesters

DATES = st.dates(date(2000, 1, 1), date(2100, 1, 1))


@given(start=DATES, length=st.integers(3, 700), share=st.floats(0, 1))
def test_two_semesters_fill_the_year_and_share_no_day(start: date, length: int, share: float):
    end = start + timedelta(days=length)
    second = start + timedelta(days=2 + round(share * (length - 3)))
    first, then = plan_semesters(start_date=start, end_date=end, second_semester_start=second)
    assert (first.number, first.start_date) == (1, start)
    assert (then.number, then.start_date, then.end_date) == (2, second, end)
    assert then.start_date - first.end_date == timedelta(days=1)
    assert first.start_date < first.end_date
    assert then.start_date < then.end_date


@pytest.mark.parametrize(
    ("end", "second", "path", "code"),
    [
        (date(2026, 7, 1), date(2026, 7, 1), "input.endDate", "OUT_OF_ORDER"),
        (date(2026, 6, 30), date(2027, 1, 1), "input.endDate", "OUT_OF_ORDER"),
        (date(2028, 7, 3), date(2027, 1, 1), "input.endDate", "TOO_LONG"),
        (date(2027, 6, 30), date(2026, 7, 2), "input.secondSemesterStart", "OUT_OF_RANGE"),
        (date(2027, 6, 30), date(2027, 6, 30), "input.secondSemesterStart", "OUT_OF_RANGE"),
        (date(2027, 6, 30), date(2026, 1, 1), "input.secondSemesterStart", "OUT_OF_RANGE"),
    ],
)
def test_dates_out_of_order_are_told_by_path(end: date, second: date, path: str, code: str):
    with pytest.raises(InvalidInput) as refused:
        plan_semesters(start_date=date(2026, 7, 1), end_date=end, second_semester_start=second)
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [(path, code)]
