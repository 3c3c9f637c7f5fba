"""The books: entries of balanced lines, which nobody can change or take back."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, tenant_key
from subgraphs.finance.model import Base


class LedgerAccount(TenantRow, Base):
    """An account of the school; `code` as in rules.py."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (UniqueConstraint("tenant_id", "code"),)

    code: Mapped[str]
    name: Mapped[str]


class LedgerEntry(TenantRow, Base):
    """What one invoice or one payment did to the books; a deferred trigger sees to it that its lines balance."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        tenant_key("invoice_id", "finance.invoices"),
        tenant_key("payment_id", "finance.payments"),
        UniqueConstraint("tenant_id", "invoice_id"),
        UniqueConstraint("tenant_id", "payment_id"),
        CheckConstraint("num_nonnulls(invoice_id, payment_id) = 1", name="cause"),
        Index(None, "tenant_id", "day", "id"),
    )

    day: Mapped[date]
    invoice_id: Mapped[UUID | None]
    payment_id: Mapped[UUID | None]


class LedgerLine(TenantRow, Base):
    """Rupiah on one side of one account."""

    __tablename__ = "ledger_lines"
    __table_args__ = (
        tenant_key("entry_id", "finance.ledger_entries"),
        tenant_key("account_id", "finance.ledger_accounts"),
        CheckConstraint("debit >= 0 and credit >= 0 and (debit = 0) <> (credit = 0)", name="side"),
        Index(None, "tenant_id", "entry_id"),
        Index(None, "tenant_id", "account_id", "entry_id"),
    )

    entry_id: Mapped[UUID]
    account_id: Mapped[UUID]
    debit: Mapped[int] = mapped_column(BigInteger)
    credit: Mapped[int] = mapped_column(BigInteger)
