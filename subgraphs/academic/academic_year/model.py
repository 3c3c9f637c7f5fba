"""Academic years and their semesters."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, Versioned, tenant_key
from subgraphs.academic.model import Base


class AcademicYear(TenantRow, Versioned, Base):
    """A school year; two years of a school never share a day and at most one is active."""

    __tablename__ = "academic_years"
    __table_args__ = (
        UniqueConstraint("tenant_id", "name"),
        ExcludeConstraint(
            ("tenant_id", "="),
            (text("daterange(start_date, end_date, '[]')"), "&&"),
            name="ex_academic_years_dates",
        ),
        CheckConstraint("start_date < end_date", name="dates"),
        Index("uq_academic_years_active", "tenant_id", unique=True, postgresql_where=text("is_active")),
        Index(None, "tenant_id", "name", "id"),
        Index(None, "tenant_id", "start_date", "id"),
    )

    name: Mapped[str]
    start_date: Mapped[date]
    end_date: Mapped[date]
    is_active: Mapped[bool] = mapped_column(default=False, server_default="false")


class Semester(TenantRow, Versioned, Base):
    """Half of a school year, within it and beside its sibling; at most one of a school is active."""

    __tablename__ = "semesters"
    __table_args__ = (
        tenant_key("academic_year_id", "academic.academic_years"),
        UniqueConstraint("tenant_id", "academic_year_id", "number"),
        ExcludeConstraint(
            ("tenant_id", "="),
            ("academic_year_id", "="),
            (text("daterange(start_date, end_date, '[]')"), "&&"),
            name="ex_semesters_dates",
        ),
        CheckConstraint("start_date < end_date", name="dates"),
        CheckConstraint("number in (1, 2)", name="number"),
        Index("uq_semesters_active", "tenant_id", unique=True, postgresql_where=text("is_active")),
    )

    academic_year_id: Mapped[UUID]
    name: Mapped[str]
    number: Mapped[int]
    start_date: Mapped[date]
    end_date: Mapped[date]
    is_active: Mapped[bool] = mapped_column(default=False, server_default="false")
