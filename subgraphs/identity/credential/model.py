"""What proves who somebody is: one-time tokens, former passwords, second factors."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, tenant_key
from subgraphs.identity.model import Base


class OneTimeToken(TenantRow, Base):
    """A token that travels by mail: kept as a hash, good once, until `expires_at`."""

    __tablename__ = "one_time_tokens"

    user_id: Mapped[UUID]
    purpose: Mapped[str] = mapped_column(Text)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (
        tenant_key("user_id", "identity.users", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "token_hash"),
        CheckConstraint("purpose in ('INVITATION', 'VERIFICATION', 'PASSWORD_RESET', 'UNLOCK')", name="purpose"),
        Index("ix_one_time_tokens_tenant_id_user_id", "tenant_id", "user_id"),
        Index("ix_one_time_tokens_tenant_id_expires_at", "tenant_id", "expires_at"),
    )


class FormerPassword(TenantRow, Base):
    """A password that an account had: the last ones may not come back."""

    __tablename__ = "former_passwords"

    user_id: Mapped[UUID]
    password_hash: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        tenant_key("user_id", "identity.users", ondelete="CASCADE"),
        Index("ix_former_passwords_tenant_id_user_id_created_at", "tenant_id", "user_id", "created_at"),
    )


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
