"""Payments, and which invoices they are for."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, one_of, tenant_key
from subgraphs.finance.model import Base, payer_checks


class Payment(TenantRow, Base):
    """Money that came in; rupiah. `received_by` is the account that recorded it.

    A deferred trigger sees to it that its allocations add up to it.
    """

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("tenant_id", "number"),
        *payer_checks(),
        one_of("method", "CASH", "BANK_TRANSFER", "CREDIT_CARD", "VIRTUAL_ACCOUNT", "QRIS", "EWALLET"),
        CheckConstraint("amount > 0", name="amount"),
        Index(None, "tenant_id", "paid_on", "id"),
        Index(None, "tenant_id", "number", "id"),
        Index("ix_payments_student", "tenant_id", "student_id", "paid_on", "id"),
    )

    number: Mapped[str]
    payer: Mapped[str]
    payer_id: Mapped[UUID]
    student_id: Mapped[UUID | None]
    amount: Mapped[int] = mapped_column(BigInteger)
    method: Mapped[str]
    paid_on: Mapped[date]
    reference_number: Mapped[str | None]
    received_by: Mapped[UUID | None]
    provider: Mapped[str | None]
    notes: Mapped[str | None]
    receipt_file: Mapped[UUID | None]


class PaymentAllocation(TenantRow, Base):
    """The part of a payment that is for one invoice; rupiah."""

    __tablename__ = "payment_allocations"
    __table_args__ = (
        tenant_key("payment_id", "finance.payments"),
        tenant_key("invoice_id", "finance.invoices"),
        UniqueConstraint("tenant_id", "payment_id", "invoice_id"),
        CheckConstraint("amount > 0", name="amount"),
        Index(None, "tenant_id", "invoice_id", "payment_id"),
    )

    payment_id: Mapped[UUID]
    invoice_id: Mapped[UUID]
    student_id: Mapped[UUID | None]
    amount: Mapped[int] = mapped_column(BigInteger)
