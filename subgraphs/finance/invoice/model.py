"""Invoices: what a pupil or an applicant is asked to pay."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, one_of, tenant_key
from subgraphs.finance.model import Base, payer_checks


class Invoice(TenantRow, Base):
    """An invoice; amounts are rupiah, and `amount - discount - paid` is still to be paid.

    `payer_id` is a pupil's or an application's id, `student_id` the pupil's alone. `period` is like 2026-08. Nobody is
    billed twice for the same period of the same thing, nor an application twice at all.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        tenant_key("billing_config_id", "finance.billing_configurations"),
        UniqueConstraint("tenant_id", "number"),
        UniqueConstraint(
            "tenant_id",
            "payer_id",
            "billing_config_id",
            "period",
            name="uq_invoices_payer_id_billing_config_id_period",
            postgresql_nulls_not_distinct=True,
        ),
        *payer_checks(),
        one_of("type", "SPP", "CONTRIBUTION", "REGISTRATION", "EXAM", "UNIFORM", "OTHER"),
        one_of("status", "UNPAID", "PARTIALLY_PAID", "PAID", "OVERDUE", "CANCELLED", "REFUNDED", "WRITTEN_OFF"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("discount between 0 and amount", name="discount"),
        CheckConstraint("paid between 0 and amount - discount", name="paid"),
        CheckConstraint("status <> 'PAID' or paid = amount - discount", name="settled"),
        Index(None, "tenant_id", "number", "id"),
        Index(None, "tenant_id", "due_date", "id"),
        Index("ix_invoices_status", "tenant_id", "status", "due_date", "id"),
        Index(None, "tenant_id", "period", "id"),
        # Those of applicants are few among all.
        Index("ix_invoices_payer", "tenant_id", "payer", "due_date", "id"),
        Index("ix_invoices_student", "tenant_id", "student_id", "due_date", "id"),
        # Everything a balance needs, so that the balances of a class are read off the index alone.
        Index(
            "ix_invoices_balance",
            "tenant_id",
            "student_id",
            "status",
            postgresql_include=["amount", "discount", "paid"],
        ),
    )

    number: Mapped[str]
    payer: Mapped[str]
    payer_id: Mapped[UUID]
    student_id: Mapped[UUID | None]
    billing_config_id: Mapped[UUID | None]
    type: Mapped[str]
    period: Mapped[str | None]
    amount: Mapped[int] = mapped_column(BigInteger)
    discount: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    paid: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    due_date: Mapped[date]
    status: Mapped[str] = mapped_column(default="UNPAID", server_default=text("'UNPAID'"))
    notes: Mapped[str | None]

    @property
    def due(self) -> int:
        """Rupiah that are to be paid in all."""
        return self.amount - (self.discount or 0)

    @property
    def open(self) -> int:
        """Rupiah that are still to be paid."""
        return self.due - (self.paid or 0)
