from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel import InvalidInput
from subgraphs.academic.enrollment.rules import ClassFull, Period, check_enrollable, enrollment_period

START, END = date(2026, 7, 13), date(2027, 6, 26)
DAYS = st.integers(0, 40).map(lambda days: START + timedelta(days=days))
PERIODS = st.tuples(DAYS, st.integers(1, 20)).map(lambda p: Period(p[0], p[0] + timedelta(days=p[1])))


@given(a=PERIODS, b=PERIODS)
def test_periods_overlap_exactly_when_some_day_is_in_both(a: Period, b: Period):
    def days(period: Period) -> set[date]:
        return {period.valid_from + timedelta(days=n) for n in range((period.valid_to - period.valid_from).days)}

    assert a.overlaps(b) is b.overlaps(a) is bool(days(a) & days(b))


@pytest.mark.parametrize(
    ("since", "today", "first"),
    [
        (None, date(2026, 9, 1), date(2026, 9, 1)),
        (None, date(2026, 5, 1), START),  # the year is still to come
        (date(2026, 8, 1), date(2026, 9, 1), date(2026, 8, 1)),
        (START, date(2026, 9, 1), START),
        (END, date(2026, 9, 1), END),
    ],
)
def test_a_seat_is_taken_from_a_day_until_the_year_is_over(since: date | None, today: date, first: date):
    period = enrollment_period(since=since, today=today, year_start=START, year_end=END)
    assert period == Period(first, date(2027, 6, 27))


@pytest.mark.parametrize(
    ("since", "today", "path"),
    [
        (date(2026, 7, 12), date(2026, 9, 1), "input.from"),
        (date(2027, 6, 27), date(2026, 9, 1), "input.from"),
        (None, date(2027, 6, 27), "input.classId"),
    ],
)
def test_days_outside_the_year_are_refused(since: date | None, today: date, path: str):
    with pytest.raises(InvalidInput) as refused:
        enrollment_period(since=since, today=today, year_start=START, year_end=END)
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [(path, "OUT_OF_RANGE")]


def test_only_pupils_of_the_school_get_a_seat():
    check_enrollable("ACTIVE")
    for status in ("TRANSFERRED", "GRADUATED", "WITHDRAWN"):
        with pytest.raises(InvalidInput):
            check_enrollable(status)


def test_a_full_class_says_how_many_seats_it_has_in_both_languages():
    assert ClassFull(capacity=36).message() == "Kelas penuh: 36 kursi sudah terisi."
    assert ClassFull(capacity=36).message("en") == "The class is full: all 36 seats are taken."
