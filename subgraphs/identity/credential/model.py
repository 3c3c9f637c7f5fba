"""What proves who somebody is: one-time tokens, former passwords, second factors."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, UniqueConstraint
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
        CheckConstraint(
            "purpose in ('INVITATION', 'REGISTRATION', 'VERIFICATION', 'PASSWORD_RESET', 'UNLOCK')", name="purpose"
        ),
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
