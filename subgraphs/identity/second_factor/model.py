"""Second factors, and the codes that stand in for them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, tenant_key
from subgraphs.identity.model import Base


class SecondFactor(TenantRow, Base):
    """An account's TOTP secret, encrypted with its person's key; in force once `confirmed_at` is set.

    `last_step` is the time step of the last code that was taken: no code counts twice.
    """

    __tablename__ = "second_factors"

    user_id: Mapped[UUID]
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (
        tenant_key("user_id", "identity.users", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "user_id"),
    )


class RecoveryCode(TenantRow, Base):
    """One code that stands in for the second factor, once. Kept as a hash."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[UUID]
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    used_at: Mapped[datetime | None]

    __table_args__ = (
        tenant_key("user_id", "identity.users", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "user_id", "code_hash"),
    )
