"""What the two schools of world.py bill and are paid: ties, nulls, what is settled, taken back, and an applicant's."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from subgraphs.finance.billing_config.model import BillingConfiguration
from subgraphs.finance.invoice.model import Invoice
from subgraphs.finance.payment.model import Payment, PaymentAllocation
from subgraphs.finance.roster.model import Class, Enrollment, Student

NUMBERS = ("INV/2026/07/000001", "INV/2026/08/000003", "PAY/2026/07/000002")
_STATES = ("UNPAID", "PAID", "PARTIALLY_PAID", "OVERDUE", "CANCELLED", "WRITTEN_OFF", "PARTIALLY_PAID", "PAID")
_PAID = {"PAID": 225_000, "PARTIALLY_PAID": 100_000}


def tables(
    identity: Callable[[str, int], UUID], rows: Callable[[str, Sequence[Mapping[str, Any]]], Any], today: date
) -> list[tuple[Any, Any]]:
    """Everything finance holds but for the school, in the order of its foreign keys."""
    invoices = [_invoice(identity, at, today) for at in range(9)]
    paid = [(at, each) for at, each in enumerate(invoices) if each["paid"]]
    payments = [
        {name: invoice[name] for name in ("payer", "payer_id", "student_id")}
        | {
            "number": f"PAY/2026/07/{at:06}",
            "amount": invoice["paid"],
            "method": ("CASH", "QRIS")[at % 2],
            "paid_on": date(2026, 7, 1 + at % 2),
            "reference_number": None if at % 2 else "🌸 'x'",
        }
        for at, invoice in paid
    ]
    parts = [
        {
            "payment_id": identity("payment", number),
            "invoice_id": identity("invoice", at),
            "student_id": invoice["student_id"],
            "amount": invoice["paid"],
        }
        for number, (at, invoice) in enumerate(paid)
    ]
    return [
        (Student, rows("student", [{"sequence": 1, "status": "ACTIVE"}] * 12)),
        (Class, rows("class", [{"sequence": 1, "level": 10}] * 3)),
        (Enrollment, rows("sitting", [_sitting(identity, at, today) for at in range(9)])),
        (BillingConfiguration, rows("billing", [_config(at) for at in range(3)])),
        (Invoice, rows("invoice", invoices)),
        (Payment, rows("payment", payments)),
        (PaymentAllocation, rows("part", parts)),
    ]


def _config(at: int) -> dict[str, Any]:
    return {
        "name": ("SPP", "SPP", 'Seragam "OSIS"')[at],
        "amount": 250_000 + at,
        "type": ("SPP", "CONTRIBUTION", "UNIFORM")[at],
        "frequency": ("MONTHLY", "YEARLY", "ONCE")[at],
        "due_day": 10 + at,
        "class_level": None if at == 1 else 10 + at,
        "valid_from": date(2026, 1, 1),
        "valid_to": date(2026, 12, 31) if at == 1 else None,
        "is_active": at != 2,
    }


def _sitting(identity: Callable[[str, int], UUID], at: int, today: date) -> dict[str, Any]:
    ids = {"student_id": identity("student", at), "class_id": identity("class", at % 3)}
    return ids | {"sequence": 1, "valid_from": date(2025, 1, 1), "valid_to": today if at == 4 else None}


def _invoice(identity: Callable[[str, int], UUID], at: int, today: date) -> dict[str, Any]:
    student = None if at == 7 else identity("student", (0, 1, 1, 2, 2, 5, 3, 0, 0)[at])
    status = _STATES[at % len(_STATES)]
    return {
        "number": f"INV/2026/0{7 + at % 2}/{at:06}",
        "payer": "STUDENT" if student else "APPLICANT",
        "payer_id": student or identity("application", at),
        "student_id": student,
        "billing_config_id": identity("billing", at % 3) if student else None,
        "type": "SPP" if student else "REGISTRATION",
        "period": None if at % 3 == 2 else f"2026-0{7 + at % 2}",
        "amount": 250_000,
        "discount": 25_000,
        "paid": _PAID.get(status, 0),
        "due_date": today if at == 3 else date(2026, 7, 10 + at // 3),
        "status": status,
        "notes": "\u202ecatatan\n'" if at == 2 else None,
    }
