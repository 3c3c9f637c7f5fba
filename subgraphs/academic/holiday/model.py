"""Holidays: days of the school's calendar."""

from datetime import date

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, Versioned, one_of
from subgraphs.academic.model import Base


class Holiday(TenantRow, Versioned, Base):
    """A holiday, national or the school's own; with `affects_attendance` nobody is expected at school."""

    __tablename__ = "holidays"
    __table_args__ = (
        UniqueConstraint("tenant_id", "date", "name"),
        one_of("scope", "NATIONAL", "SCHOOL"),
        Index(None, "tenant_id", "date", "id"),
    )

    date: Mapped[date]
    name: Mapped[str]
    scope: Mapped[str] = mapped_column(default="SCHOOL", server_default=text("'SCHOOL'"))
    affects_attendance: Mapped[bool] = mapped_column(default=True, server_default="true")
