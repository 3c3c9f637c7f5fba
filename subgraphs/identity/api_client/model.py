"""Programs of others that act for a school, and the assertions they have proven themselves with."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, tenant_key
from subgraphs.identity.model import Base


class ApiClient(TenantRow, Base):
    """An integrator's client: what it may do, and how it proves that it is itself.

    After a rotation the former secret goes on until `former_valid_until`. `ver` is the version its tokens carry.
    """

    __tablename__ = "api_clients"

    name: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    method: Mapped[str] = mapped_column(Text)
    secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    former_secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    former_valid_until: Mapped[datetime | None]
    keys: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    ver: Mapped[int] = mapped_column(server_default="1", default=1)
    created_by: Mapped[UUID | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint("method in ('CLIENT_SECRET', 'PRIVATE_KEY_JWT')", name="method"),
        CheckConstraint("(method = 'CLIENT_SECRET') = (secret_hash is not null)", name="secret"),
        CheckConstraint("(method = 'PRIVATE_KEY_JWT') = (keys is not null)", name="keys"),
        CheckConstraint("(former_secret_hash is null) = (former_valid_until is null)", name="former"),
        Index("ix_api_clients_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
    )


class SpentAssertion(TenantRow, Base):
    """A signed assertion that a client has used: it proves nothing a second time."""

    __tablename__ = "spent_assertions"

    client_id: Mapped[UUID]
    assertion_hash: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime]

    __table_args__ = (
        tenant_key("client_id", "identity.api_clients", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "client_id", "assertion_hash"),
        Index("ix_spent_assertions_tenant_id_expires_at", "tenant_id", "expires_at"),
    )
