"""The demo can be loaded on any day of a year."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from deploy.local.demo.school import assessment_day, years


@given(st.dates(date(2024, 1, 1), date(2040, 12, 31)))
def test_every_assessment_has_a_day_that_has_come(today: date):
    past, current, _ = years(today)
    running = current.start if today < current.second else current.second
    assert running <= assessment_day(running, today, 0) <= today
    finished = [assessment_day(past.second, today, number) for number in range(3)]
    assert past.second < finished[0] < finished[1] < finished[2] <= past.end
