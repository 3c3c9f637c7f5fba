from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel import InvalidInput
from subgraphs.finance.invoice.rules import InvoiceStatus, parse_month, status_after_payment

DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))


@given(DAYS)
def test_a_month_ends_the_day_before_the_next_one(day: date):
    month = parse_month(f"{day:%Y-%m}")
    assert month.first == day.replace(day=1)
    assert month.first <= day <= month.last
    assert month.last.month == day.month
    assert (month.last + timedelta(days=1)).day == 1
    assert parse_month(month.period) == month


@pytest.mark.parametrize(
    "text",
    ["", "2026", "2026-13", "2026-00", "2026-8", "08-2026", "2026-08-01", "1899-12", "2200-01", "20\uff12\uff16-08"],
)
def test_what_is_no_month_is_told(text: str):
    with pytest.raises(InvalidInput) as refused:
        parse_month(text)
    (fault,) = refused.value.faults
    assert (fault.path, fault.code) == ("input.month", "INVALID_MONTH")


def test_an_invoice_is_paid_once_nothing_is_missing():
    for status in (InvoiceStatus.UNPAID, InvoiceStatus.PARTIALLY_PAID, InvoiceStatus.OVERDUE):
        assert status_after_payment(status, due=100, paid=100) is InvoiceStatus.PAID
    for status in (InvoiceStatus.UNPAID, InvoiceStatus.PARTIALLY_PAID):
        assert status_after_payment(status, due=100, paid=1) is InvoiceStatus.PARTIALLY_PAID
    assert status_after_payment(InvoiceStatus.OVERDUE, due=100, paid=99) is InvoiceStatus.OVERDUE


@given(due=st.integers(1, 10**12), shares=st.lists(st.integers(1, 100), min_size=1), overdue_at=st.integers(0, 20))
def test_whatever_is_paid_in_whatever_parts_the_status_says_it(due: int, shares: list[int], overdue_at: int):
    status, paid = InvoiceStatus.UNPAID, 0
    for at, share in enumerate(shares):
        if at == overdue_at and status is not InvoiceStatus.PAID:
            status = InvoiceStatus.OVERDUE
        amount = min(due - paid, max(1, due * share // 100))
        if amount == 0:
            break
        paid += amount
        status = status_after_payment(status, due=due, paid=paid)
        assert (status is InvoiceStatus.PAID) == (paid == due)
        assert status is not InvoiceStatus.UNPAID
        if status is InvoiceStatus.PARTIALLY_PAID:
            assert 0 < paid < due
