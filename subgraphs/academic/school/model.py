"""The school itself: one row per tenant, with the tenant's id."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, Versioned, one_of
from subgraphs.academic.model import Base


class School(TenantRow, Versioned, Base):
    """A school. Its id is the tenant's; name, NPSN, level and time zone follow identity's register."""

    __tablename__ = "schools"
    __table_args__ = (
        one_of("level", "SD", "SMP", "SMA", "SMK"),
        CheckConstraint("id = tenant_id", name="id"),
        CheckConstraint("lat between -90 and 90 and lng between -180 and 180", name="location"),
        CheckConstraint("radius_m > 0", name="radius_m"),
        CheckConstraint("attendance_grace_minutes between 0 and 240", name="attendance_grace_minutes"),
    )

    name: Mapped[str]
    level: Mapped[str]
    npsn: Mapped[str | None]
    timezone: Mapped[str]
    address: Mapped[str | None]
    phone: Mapped[str | None]
    email: Mapped[str | None]
    principal_name: Mapped[str | None]
    logo_file: Mapped[UUID | None]
    signature_file: Mapped[UUID | None]
    lat: Mapped[float | None]
    lng: Mapped[float | None]
    radius_m: Mapped[int | None]
    attendance_grace_minutes: Mapped[int] = mapped_column(server_default="15")
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    is_active: Mapped[bool] = mapped_column(server_default="true")
    sequence: Mapped[int] = mapped_column(BigInteger)
