from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.kernel import InvalidInput
from subgraphs.finance.payment.rules import AlreadyPaid, AmountTooLarge, check_paid_on, check_payment

RUPIAH = st.integers(1, 10**12)


@given(open_=RUPIAH, amount=RUPIAH)
def test_an_open_invoice_takes_up_to_what_is_still_to_be_paid(open_: int, amount: int):
    if amount <= open_:
        check_payment(is_paid=False, is_open=True, open=open_, amount=amount)
    else:
        with pytest.raises(AmountTooLarge) as refused:
            check_payment(is_paid=False, is_open=True, open=open_, amount=amount)
        assert refused.value.data == {"open": open_}


def test_a_paid_invoice_takes_nothing():
    with pytest.raises(AlreadyPaid):
        check_payment(is_paid=True, is_open=False, open=0, amount=1)


@pytest.mark.parametrize(
    ("is_open", "amount", "path", "code"),
    [
        (False, 1, "input.invoiceId", "NOT_OPEN"),
        (True, 0, "input.amount", "TOO_SMALL"),
        (True, -1, "input.amount", "TOO_SMALL"),
    ],
)
def test_what_cannot_be_taken_is_told_with_its_place(is_open: bool, amount: int, path: str, code: str):
    with pytest.raises(InvalidInput) as refused:
        check_payment(is_paid=False, is_open=is_open, open=10, amount=amount)
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [(path, code)]


def test_money_that_has_not_come_is_not_recorded():
    check_paid_on(date(2026, 9, 1), today=date(2026, 9, 1))
    with pytest.raises(InvalidInput) as refused:
        check_paid_on(date(2026, 9, 2), today=date(2026, 9, 1))
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [("input.paidOn", "IN_THE_FUTURE")]


def test_errors_speak_both_languages():
    assert AlreadyPaid().message() == "Tagihan ini sudah lunas."
    assert AlreadyPaid().message("en") == "The invoice is already paid."
    assert AmountTooLarge(open=5_000).message() == "Jumlahnya melebihi sisa tagihan, yaitu Rp5000."
    assert AmountTooLarge(open=5_000).message("en") == "The amount exceeds what is still to be paid, Rp5000."
