"""Schools as tenants, and the reserved tenant of the platform."""

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import PlatformRow, TableClass
from subgraphs.identity.model import Base


class Tenant(PlatformRow, Base):
    """A school; `level` is null for the platform's own tenant alone. `region` is the code of its district."""

    __tablename__ = "tenants"

    slug: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    npsn: Mapped[str | None] = mapped_column(Text)
    level: Mapped[str | None] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    region: Mapped[str | None] = mapped_column(Text)
    ownership: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default="ACTIVE", default="ACTIVE")
    features: Mapped[list[str]] = mapped_column(ARRAY(Text))
    quotas: Mapped[dict[str, int]] = mapped_column(JSONB, server_default=text("'{}'"), default=dict)

    __table_args__ = (
        UniqueConstraint("slug"),
        UniqueConstraint("npsn"),
        CheckConstraint("status in ('ACTIVE', 'SUSPENDED')", name="status"),
        CheckConstraint("level in ('SD', 'SMP', 'SMA', 'SMK')", name="level"),
        CheckConstraint("level is not null or slug = 'platform'", name="school_has_level"),
        CheckConstraint("timezone in ('Asia/Jakarta', 'Asia/Makassar', 'Asia/Jayapura')", name="timezone"),
        CheckConstraint("ownership in ('NEGERI', 'SWASTA')", name="ownership"),
        Index("ix_tenants_name_id", "name", "id"),
        Index("ix_tenants_created_at_id", "created_at", "id"),
        {"info": {"class": TableClass.PLATFORM}},
    )
