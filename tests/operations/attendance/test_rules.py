from datetime import date, timedelta

import pytest

from libs.kernel import InvalidInput, new_id
from subgraphs.operations.attendance.rules import Holiday, OutsideSemester, absence_of, check_day, check_entries

TUESDAY = date(2026, 9, 1)
TERMS = ((date(2026, 7, 1), date(2026, 12, 31)),)


def test_a_school_day_that_has_come_is_kept():
    check_day(TUESDAY, today=TUESDAY, terms=TERMS, holiday=None)
    check_day(TUESDAY - timedelta(days=3), today=TUESDAY, terms=TERMS, holiday=None)  # a Saturday


def test_the_future_holidays_sundays_and_vacations_are_refused():
    with pytest.raises(InvalidInput) as refused:
        check_day(TUESDAY + timedelta(days=1), today=TUESDAY, terms=TERMS, holiday=None)
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [("input.date", "FUTURE")]
    with pytest.raises(OutsideSemester):
        check_day(TUESDAY, today=TUESDAY, terms=(), holiday=None)
    with pytest.raises(Holiday) as holiday:
        check_day(TUESDAY, today=TUESDAY, terms=TERMS, holiday="Kemerdekaan")
    assert holiday.value.data["name"] == "Kemerdekaan"
    with pytest.raises(Holiday):
        check_day(TUESDAY - timedelta(days=2), today=TUESDAY, terms=TERMS, holiday=None)


def test_every_fault_of_the_entries_is_told_at_once():
    ani, stranger = new_id(), new_id()
    check_entries([ani], frozenset({ani}))
    with pytest.raises(InvalidInput) as refused:
        check_entries([ani, stranger, ani], frozenset({ani}))
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [
        ("input.entries[1].studentId", "NOT_FOUND"),
        ("input.entries[2].studentId", "DUPLICATE"),
    ]


def test_a_missed_day_has_one_identity():
    ani = new_id()
    assert absence_of(ani, TUESDAY) == absence_of(ani, TUESDAY)
    assert absence_of(ani, TUESDAY) != absence_of(ani, TUESDAY - timedelta(days=1))
