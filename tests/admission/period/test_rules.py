from datetime import date

import pytest

from libs.kernel import InvalidInput
from subgraphs.admission.period.rules import (
    AdmissionPeriodStatus,
    PeriodNotDraft,
    check_openable,
    check_period,
    code_of,
    number_prefix,
)

START, END, YEAR_END = date(2027, 1, 4), date(2027, 2, 28), date(2028, 6, 24)


def test_a_period_may_last_a_day_and_until_the_last_of_its_year():
    check_period(code="A", start_date=START, end_date=START, year_end=YEAR_END)
    check_period(code="PRESTASI1", start_date=START, end_date=YEAR_END, year_end=YEAR_END)


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"code": "a"}, [("input.code", "INVALID_CODE")]),
        ({"code": "A-1"}, [("input.code", "INVALID_CODE")]),
        ({"code": "ABCDEFGHIJK"}, [("input.code", "INVALID_CODE")]),
        ({"end_date": date(2027, 1, 3)}, [("input.endDate", "ENDS_BEFORE_START")]),
        ({"end_date": date(2028, 6, 25)}, [("input.endDate", "YEAR_IS_OVER")]),
        (
            {"code": "É", "end_date": date(2026, 1, 1)},
            [("input.code", "INVALID_CODE"), ("input.endDate", "ENDS_BEFORE_START")],
        ),
    ],
)
def test_every_fault_of_a_period_is_told(changes, faults):
    values = {"code": "A", "start_date": START, "end_date": END, "year_end": YEAR_END}
    with pytest.raises(InvalidInput) as refused:
        check_period(**values | changes)
    assert [(fault.path, fault.code) for fault in refused.value.faults] == faults
    assert all(fault.message("id") != fault.message("en") for fault in refused.value.faults)


def test_only_a_draft_that_is_not_over_can_be_opened():
    check_openable(AdmissionPeriodStatus.DRAFT, end_date=END, today=END)
    with pytest.raises(InvalidInput):
        check_openable(AdmissionPeriodStatus.DRAFT, end_date=END, today=date(2027, 3, 1))
    for status in set(AdmissionPeriodStatus) - {AdmissionPeriodStatus.DRAFT}:
        with pytest.raises(PeriodNotDraft) as refused:
            check_openable(status, end_date=END, today=START)
        assert refused.value.data == {"status": status}


def test_numbers_begin_with_the_npsn_or_the_slug():
    assert number_prefix(npsn="20306577", slug="sman-1", year=2027, code="A") == "20306577-2027A"
    assert number_prefix(npsn=None, slug="sman-1", year=2027, code="B2") == "SMAN-1-2027B2"
    assert code_of("a1") == "A1"
