"""Rules of payments: what may be taken for an invoice, and when."""

from datetime import date
from enum import StrEnum
from typing import ClassVar

from libs.kernel import DomainError, FieldFault, InvalidInput


class PaymentMethod(StrEnum):
    """The way the money came."""

    CASH = "CASH"
    BANK_TRANSFER = "BANK_TRANSFER"
    CREDIT_CARD = "CREDIT_CARD"
    VIRTUAL_ACCOUNT = "VIRTUAL_ACCOUNT"
    QRIS = "QRIS"
    EWALLET = "EWALLET"


class AlreadyPaid(DomainError):
    """All of the invoice is paid."""

    code = "ALREADY_PAID"
    texts: ClassVar = {"id": "Tagihan ini sudah lunas.", "en": "The invoice is already paid."}


class AmountTooLarge(DomainError):
    """More than is still to be paid. Data: `open`, in rupiah."""

    code = "AMOUNT_TOO_LARGE"
    texts: ClassVar = {
        "id": "Jumlahnya melebihi sisa tagihan, yaitu Rp{open}.",
        "en": "The amount exceeds what is still to be paid, Rp{open}.",
    }


def check_payment(*, is_paid: bool, is_open: bool, open: int, amount: int) -> None:
    """Whether an invoice with `open` rupiah to pay takes `amount`; `is_open` if money is still asked for it.

    Raises AlreadyPaid, AmountTooLarge, and InvalidInput for an invoice that is asked for no more.
    """
    if is_paid:
        raise AlreadyPaid
    if not is_open:
        texts = {"id": "Tagihan ini tidak ditagih lagi.", "en": "The invoice is asked for no more."}
        raise InvalidInput([FieldFault("input.invoiceId", "NOT_OPEN", texts)])
    if amount <= 0:
        texts = {"id": "Terlalu kecil.", "en": "Too small."}
        raise InvalidInput([FieldFault("input.amount", "TOO_SMALL", texts)])
    if amount > open:
        raise AmountTooLarge(open=open)


def check_paid_on(paid_on: date, *, today: date) -> None:
    """Money that has not come yet cannot be recorded. Raises InvalidInput."""
    if paid_on > today:
        texts = {"id": "Tanggal bayar belum tiba.", "en": "The day of payment is still to come."}
        raise InvalidInput([FieldFault("input.paidOn", "IN_THE_FUTURE", texts)])
