"""Sessions with their devices and refresh tokens, and what is revoked."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TableClass, TenantRow, tenant_key
from subgraphs.identity.model import Base


class Device(TenantRow, Base):
    """What somebody signed in with before: it holds a secret that strangers at the same address do not have."""

    __tablename__ = "devices"

    user_id: Mapped[UUID]
    name: Mapped[str | None] = mapped_column(Text)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    last_used_at: Mapped[datetime]

    __table_args__ = (
        tenant_key("user_id", "identity.users", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "secret_hash"),
        Index("ix_devices_tenant_id_user_id", "tenant_id", "user_id"),
        Index("ix_devices_tenant_id_last_used_at", "tenant_id", "last_used_at"),
    )


class Session(TenantRow, Base):
    """One device signed in: a family of refresh tokens of which `refresh_hash` is the living one.

    `id` is the family and the `sid` of access tokens.
    """

    __tablename__ = "sessions"

    user_id: Mapped[UUID]
    device: Mapped[str | None] = mapped_column(Text)
    device_id: Mapped[UUID | None]
    address: Mapped[str | None] = mapped_column(Text)
    user_agent: Mapped[str | None] = mapped_column(Text)
    refresh_hash: Mapped[bytes] = mapped_column(LargeBinary)
    last_used_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        tenant_key("user_id", "identity.users", ondelete="CASCADE"),
        tenant_key("device_id", "identity.devices", ondelete="SET NULL (device_id)"),
        UniqueConstraint("tenant_id", "refresh_hash"),
        CheckConstraint("end_reason in ('LOGOUT', 'REVOKED', 'REPLAY', 'PASSWORD', 'STATUS')", name="end_reason"),
        CheckConstraint("(ended_at is null) = (end_reason is null)", name="ended"),
        Index("ix_sessions_tenant_id_user_id", "tenant_id", "user_id"),
        Index("ix_sessions_tenant_id_device_id", "tenant_id", "device_id"),
        Index("ix_sessions_tenant_id_expires_at", "tenant_id", "expires_at"),
    )


class SpentToken(TenantRow, Base):
    """A refresh token that was used: coming again it is a replay, but for a moment and the same client.

    `salt` derives, together with the spent token itself, the token that replaced it: two requests of one client that
    cross get the same answer, and what lies here alone opens nothing.
    """

    __tablename__ = "spent_tokens"

    session_id: Mapped[UUID]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    client: Mapped[bytes] = mapped_column(LargeBinary)
    spent_at: Mapped[datetime]

    __table_args__ = (
        tenant_key("session_id", "identity.sessions", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "token_hash"),
        Index("ix_spent_tokens_tenant_id_session_id", "tenant_id", "session_id"),
    )


class Revocation(Base):
    """What Valkey must know, kept until no token it concerns can live: an account's version, or an ended session.

    A queue over all tenants: a timed job says it again to a Valkey that was away or has lost it.
    """

    __tablename__ = "revocations"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    user_id: Mapped[UUID | None]
    ver: Mapped[int | None]
    session_id: Mapped[UUID | None]
    revoked_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("(user_id is null) = (ver is null) and (user_id is null) <> (session_id is null)", name="one"),
        Index("ix_revocations_revoked_at", "revoked_at"),
        {"info": {"class": TableClass.QUEUE}},
    )
