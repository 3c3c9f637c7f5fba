"""Events of finance: invoices and payments. All amounts are whole rupiah."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from libs.events.contracts.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceCreated(Event):
    """An invoice was issued to a pupil or an applicant: `payer` is STUDENT or APPLICANT, `payer_id` the person's id.

    Type as the graph's enum; `period` like "2026-08", or null for what is billed once.
    """

    domain: ClassVar[str] = "finance"
    aggregate: ClassVar[str] = "invoice"
    aggregate_key: ClassVar[str] = "invoice_id"

    invoice_id: UUID
    number: str
    payer: str
    payer_id: UUID
    type: str
    period: str | None
    amount: int
    due_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReceived(Event):
    """Money came in for an invoice. `paid` is what has been paid for the invoice so far, `status` the invoice's now.

    Method and status as the graph's enums.
    """

    domain: ClassVar[str] = "finance"
    aggregate: ClassVar[str] = "payment"
    aggregate_key: ClassVar[str] = "payment_id"

    payment_id: UUID
    number: str
    invoice_id: UUID
    invoice_number: str
    payer: str
    payer_id: UUID
    type: str
    amount: int
    invoice_amount: int
    paid: int
    status: str
    method: str
    paid_on: date


EVENTS: tuple[type[Event], ...] = (InvoiceCreated, PaymentReceived)
