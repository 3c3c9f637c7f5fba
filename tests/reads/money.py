"""What the schools of families.py bill and are paid: every pupil one invoice and one payment, and one of an applicant's."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from subgraphs.finance.billing_config.model import BillingConfiguration
from subgraphs.finance.invoice.model import Invoice
from subgraphs.finance.model import Tenant
from subgraphs.finance.payment.model import Payment, PaymentAllocation
from subgraphs.finance.roster.model import Class, Enrollment, Student

if TYPE_CHECKING:
    from tests.reads.families import Rows

MODELS = (Tenant, Student, Class, Enrollment, BillingConfiguration, Invoice, Payment, PaymentAllocation)
"""In the order of their foreign keys."""
OPEN = ("UNPAID", "PARTIALLY_PAID", "OVERDUE")
"""Statuses of invoices of which something is still to be paid."""
_AMOUNT, _DISCOUNT, _PAID = 250_000, 25_000, 100_000


def add_billing(rows: "Rows") -> None:
    """What the school bills, and the invoice of somebody who applies."""
    for key, frequency in (("spp", "MONTHLY"), ("uniform", "ONCE")):
        rows.add(
            BillingConfiguration,
            key,
            type="SPP",
            frequency=frequency,
            amount=_AMOUNT,
            due_day=10,
            class_level=10,
            valid_from=date(2026, 7, 1),
            valid_to=None,
            is_active=key == "spp",
        )
    _charge(rows, "applicant", None, "PARTIALLY_PAID")


def add_payer(rows: "Rows", student: str, number: int) -> None:
    """A pupil as finance knows one, with an invoice: the first is partly paid, the third is asked for no more."""
    rows.add(Student, student, sequence=1, status="ACTIVE")
    _charge(rows, student, student, ("PARTIALLY_PAID", "OVERDUE", "CANCELLED")[number % 3])


def add_class(rows: "Rows", key: str, level: int) -> None:
    """A class as finance knows one."""
    rows.add(Class, key, sequence=1, level=level)


def add_sitting(rows: "Rows", key: str, **columns: Any) -> None:
    """A pupil's time in a class as finance knows one."""
    rows.add(Enrollment, key, sequence=1, **columns)


def _charge(rows: "Rows", key: str, student: str | None, status: str) -> None:
    student_id = None if student is None else rows.id("students", student)
    payer = {
        "payer": "STUDENT" if student else "APPLICANT",
        "payer_id": student_id or rows.id("applications", key),
        "student_id": student_id,
    }
    invoice = rows.add(
        Invoice,
        key,
        **payer,
        billing_config_id=rows.id("billing_configurations", "spp") if student else None,
        type="SPP" if student else "REGISTRATION",
        amount=_AMOUNT,
        discount=_DISCOUNT,
        paid=_PAID if status == "PARTIALLY_PAID" else 0,
        due_date=rows.today + timedelta(days=len(rows.by_model[Invoice])),
        status=status,
    )
    if status != "PARTIALLY_PAID":
        return
    payment = rows.add(Payment, key, **payer, amount=_PAID, method="CASH", paid_on=rows.today)
    part = {"payment_id": payment["id"], "invoice_id": invoice["id"], "student_id": student_id}
    rows.add(PaymentAllocation, key, **part, amount=_PAID)
