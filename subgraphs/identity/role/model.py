"""A school's own roles, what it adds to the system roles, and who holds which role when."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, Index, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, Versioned, tenant_key
from subgraphs.identity.model import Base


class Role(Versioned, TenantRow, Base):
    """A role of the school's own; with `is_system_role` what the school adds to the system role of that name.

    A role of the school's own may inherit from one other role: of the school (`parent_id`) or of the system.
    """

    __tablename__ = "roles"

    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    is_system_role: Mapped[bool]
    parent_system_role: Mapped[str | None] = mapped_column(Text)
    parent_id: Mapped[UUID | None]

    __table_args__ = (
        tenant_key("parent_id", "identity.roles"),
        UniqueConstraint("tenant_id", "name"),
        CheckConstraint("num_nonnulls(parent_system_role, parent_id) <= 1", name="one_parent"),
        CheckConstraint("not is_system_role or num_nonnulls(parent_system_role, parent_id) = 0", name="own_inherits"),
        CheckConstraint("parent_id <> id", name="not_itself"),
        Index("ix_roles_tenant_id_parent_id", "tenant_id", "parent_id"),
    )


class RolePermission(TenantRow, Base):
    """One permission of a role in `roles`."""

    __tablename__ = "role_permissions"

    role_id: Mapped[UUID]
    permission: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        tenant_key("role_id", "identity.roles", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "role_id", "permission"),
    )


class UserRole(TenantRow, Base):
    """A hat: a person holds a system role (by name) or one of the school's own (by id), from a day to a day, both in.

    Periods of one hat of one person never overlap: they are merged.
    """

    __tablename__ = "user_roles"

    user_id: Mapped[UUID]
    system_role: Mapped[str | None] = mapped_column(Text)
    role_id: Mapped[UUID | None]
    hat: Mapped[str] = mapped_column(Text, Computed("coalesce(system_role, role_id::text)", persisted=True))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    assigned_at: Mapped[datetime] = mapped_column(server_default=func.now())
    assigned_by: Mapped[UUID | None]

    __table_args__ = (
        tenant_key("user_id", "identity.users", ondelete="CASCADE"),
        tenant_key("role_id", "identity.roles"),
        CheckConstraint("num_nonnulls(system_role, role_id) = 1", name="one_role"),
        CheckConstraint("valid_until >= valid_from", name="period"),
        ExcludeConstraint(
            ("tenant_id", "="),
            ("user_id", "="),
            ("hat", "="),
            (text("daterange(valid_from, valid_until, '[]')"), "&&"),
            name="ex_user_roles_period",
            using="gist",
        ),
        Index("ix_user_roles_tenant_id_user_id", "tenant_id", "user_id"),
        Index("ix_user_roles_tenant_id_role_id", "tenant_id", "role_id"),
        Index("ix_user_roles_tenant_id_system_role", "tenant_id", "system_role"),
    )
