"""Rules of invoices: months, due days, and how an invoice stands."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from libs.kernel import FieldFault, InvalidInput

DAYS_TO_PAY_REGISTRATION: Final = 7
"""Days an applicant has to pay the fee of the registration."""

_MONTH: Final = re.compile(r"(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])")


class Payer(StrEnum):
    """Of whom the money is asked."""

    STUDENT = "STUDENT"
    APPLICANT = "APPLICANT"


class InvoiceStatus(StrEnum):
    """How an invoice stands."""

    UNPAID = "UNPAID"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    OVERDUE = "OVERDUE"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"
    WRITTEN_OFF = "WRITTEN_OFF"


OPEN_STATUSES: Final = (InvoiceStatus.UNPAID, InvoiceStatus.PARTIALLY_PAID, InvoiceStatus.OVERDUE)
"""Money is still asked for these."""


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month, known by its first day."""

    first: date

    @property
    def last(self) -> date:
        """Its last day."""
        return (self.first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)

    @property
    def period(self) -> str:
        """As invoices tell it: 2026-08."""
        return f"{self.first:%Y-%m}"


def parse_month(text: str, path: str = "input.month") -> Month:
    """The month of a text like 2026-08, of the years 1900 to 2199. Raises InvalidInput."""
    if not _MONTH.fullmatch(text):
        texts = {"id": "Tulis bulan seperti 2026-08.", "en": "Write a month like 2026-08."}
        raise InvalidInput([FieldFault(path, "INVALID_MONTH", texts)])
    return Month(date.fromisoformat(f"{text}-01"))


def status_after_payment(status: InvoiceStatus, *, due: int, paid: int) -> InvoiceStatus:
    """How an open invoice over `due` rupiah stands once `paid` of it are paid.

    An overdue one stays overdue until all of it is paid: what is missing is as late as before.
    """
    if paid == due:
        return InvoiceStatus.PAID
    return status if status is InvoiceStatus.OVERDUE else InvoiceStatus.PARTIALLY_PAID
