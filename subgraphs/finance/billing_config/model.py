"""What a school bills: how much, how often, of which grade levels."""

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, Versioned, one_of
from subgraphs.finance.model import Base


class BillingConfiguration(TenantRow, Versioned, Base):
    """Amounts are rupiah. `class_level` null is every level; `valid_to` is the first day after, null while it lasts.

    Changing it never touches invoices that are issued.
    """

    __tablename__ = "billing_configurations"
    __table_args__ = (
        one_of("type", "SPP", "CONTRIBUTION", "REGISTRATION", "EXAM", "UNIFORM", "OTHER"),
        one_of("frequency", "MONTHLY", "YEARLY", "ONCE"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("late_fee > 0", name="late_fee"),
        CheckConstraint("class_level between 1 and 13", name="class_level"),
        CheckConstraint("due_day between 1 and 31", name="due_day"),
        CheckConstraint("valid_from < valid_to", name="dates"),
        Index(None, "tenant_id", "name", "id"),
        Index(None, "tenant_id", "frequency", "id"),
    )

    name: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    type: Mapped[str]
    frequency: Mapped[str]
    class_level: Mapped[int | None]
    due_day: Mapped[int]
    late_fee: Mapped[int | None] = mapped_column(BigInteger)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")
