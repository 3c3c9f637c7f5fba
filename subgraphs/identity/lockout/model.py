"""Failed sign-ins: of an account from one address or device, and from anywhere."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow
from subgraphs.identity.model import Base


class SignInFailure(TenantRow, Base):
    """Failed sign-ins of one account (existing or not: its blind index) from one address.

    A device that has signed in before counts by itself: its `address` is its own. So does an integrator's client, by
    the hash of its name.
    """

    __tablename__ = "sign_in_failures"

    email_blind: Mapped[bytes] = mapped_column(LargeBinary)
    address: Mapped[str] = mapped_column(Text)
    failures: Mapped[int]
    lockouts: Mapped[int]
    last_failed_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "email_blind", "address"),
        Index("ix_sign_in_failures_tenant_id_last_failed_at", "tenant_id", "last_failed_at"),
        Index("ix_sign_in_failures_tenant_id_address_last_failed_at", "tenant_id", "address", "last_failed_at"),
    )


class AccountFailure(TenantRow, Base):
    """Failed sign-ins of one account from anywhere, within an hour from `since`; too many, and only a mail opens it."""

    __tablename__ = "account_failures"

    email_blind: Mapped[bytes] = mapped_column(LargeBinary)
    since: Mapped[datetime]
    failures: Mapped[int]
    locked_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "email_blind"),
        Index("ix_account_failures_tenant_id_since", "tenant_id", "since"),
    )
