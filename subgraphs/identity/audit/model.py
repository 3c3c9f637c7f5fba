"""The audit log: who did what to which data, append-only."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from libs.kernel import new_id
from subgraphs.identity.model import Base


class AuditLog(Base):
    """One deed. Partitioned by month of `day`; rows are inserted and read, never changed.

    `user_tenant_id` is where the acting account lives: the platform's for its administrators, whose deeds in a school
    stand in both logs; `about_tenant_id` is that school in the platform's.
    """

    __tablename__ = "audit_logs"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("app_tenant()"))
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    day: Mapped[date] = mapped_column(primary_key=True)
    user_id: Mapped[UUID | None]
    user_tenant_id: Mapped[UUID | None]
    about_tenant_id: Mapped[UUID | None]
    action: Mapped[str] = mapped_column(Text)
    resource_type: Mapped[str | None] = mapped_column(Text)
    resource_id: Mapped[UUID | None]
    old_values: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    new_values: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    ip_address: Mapped[str | None] = mapped_column(Text)
    user_agent: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    error_message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("status in ('SUCCESS', 'FAILURE')", name="status"),
        Index("ix_audit_logs_tenant_id_created_at", "tenant_id", "created_at"),
        Index("ix_audit_logs_tenant_id_user_id", "tenant_id", "user_id"),
        {"postgresql_partition_by": "RANGE (day)"},
    )
