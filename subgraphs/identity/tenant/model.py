"""Schools as tenants, and the reserved tenant of the platform."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Computed, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import PlatformRow, StorageProjection, TableClass, TenantRow, Versioned
from subgraphs.identity.model import Base


class Tenant(PlatformRow, Versioned, Base):
    """A school; `level` is null for the platform's own tenant alone. `region` is the code of its district.

    `quotas` holds the most there may be by name (max_students, max_teachers, storage_gb); what it does not name has no
    limit. Whoever registers without an invitation gets `registration_role`; null: nobody may.
    """

    __tablename__ = "tenants"

    slug: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(Text(collation="C"), Computed("lower(name)", persisted=True))
    npsn: Mapped[str | None] = mapped_column(Text)
    level: Mapped[str | None] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    region: Mapped[str | None] = mapped_column(Text)
    ownership: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default="ACTIVE", default="ACTIVE")
    features: Mapped[list[str]] = mapped_column(ARRAY(Text))
    quotas: Mapped[dict[str, int]] = mapped_column(JSONB, server_default=text("'{}'"), default=dict)
    password_policy: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"), default=dict)
    registration_role: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("slug"),
        UniqueConstraint("npsn"),
        CheckConstraint("status in ('ACTIVE', 'SUSPENDED')", name="status"),
        CheckConstraint("level in ('SD', 'SMP', 'SMA', 'SMK')", name="level"),
        CheckConstraint("level is not null or slug = 'platform'", name="school_has_level"),
        CheckConstraint("timezone in ('Asia/Jakarta', 'Asia/Makassar', 'Asia/Jayapura')", name="timezone"),
        CheckConstraint("registration_role in ('parent', 'student')", name="registration_role"),
        CheckConstraint("ownership in ('NEGERI', 'SWASTA')", name="ownership"),
        Index("ix_tenants_name_id", "name", "id"),
        Index("ix_tenants_name_key_id", "name_key", "id"),
        Index("ix_tenants_created_at_id", "created_at", "id"),
        {"info": {"class": TableClass.PLATFORM}},
    )


class CountedPerson(TenantRow, Base):
    """Projection of academic: a pupil or teacher who counts against the school's quotas.

    No person stands in it, but numbers of the schools: the platform reads all of it.
    """

    __tablename__ = "counted_people"

    record_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    counts: Mapped[bool]
    sequence: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        UniqueConstraint("tenant_id", "record_id"),
        CheckConstraint("kind in ('STUDENT', 'TEACHER')", name="kind"),
        Index("ix_counted_people_tenant_id_kind", "tenant_id", "kind", postgresql_where=text("counts")),
        {"info": {"class": TableClass.PROJECTION}},
    )


class CountedStorage(StorageProjection, Base):
    """Projection of every subgraph that keeps files, identity's own with them. The platform reads all of it."""
