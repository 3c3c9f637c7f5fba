"""Admission periods."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, Versioned, one_of
from subgraphs.admission.model import Base


class Period(TenantRow, Versioned, Base):
    """A time in which the school takes applications for a year. The fee is in rupiah, null where applying is free.

    `applicants` counts the applications, and is therefore the running number of the latest one: its row is what those
    who apply meet at. `number_prefix` stands before it in every number of the period, whatever becomes of the NPSN.
    """

    __tablename__ = "periods"
    __table_args__ = (
        UniqueConstraint("tenant_id", "academic_year_id", "code"),
        UniqueConstraint("tenant_id", "number_prefix"),
        one_of("status", "DRAFT", "OPEN", "CLOSED", "SELECTION", "ANNOUNCED", "COMPLETED"),
        CheckConstraint("start_date <= end_date", name="dates"),
        CheckConstraint("registration_fee >= 0", name="registration_fee"),
        CheckConstraint("max_applicants > 0", name="max_applicants"),
        CheckConstraint("applicants between 0 and coalesce(max_applicants, applicants)", name="applicants"),
        Index(None, "tenant_id", "start_date", "id"),
        Index(None, "tenant_id", "name", "id"),
        Index("ix_periods_status", "tenant_id", "status", "end_date"),
    )

    academic_year_id: Mapped[UUID]
    name: Mapped[str]
    code: Mapped[str]
    number_prefix: Mapped[str]
    start_date: Mapped[date]
    end_date: Mapped[date]
    registration_fee: Mapped[int | None] = mapped_column(BigInteger)
    max_applicants: Mapped[int | None]
    status: Mapped[str] = mapped_column(default="DRAFT", server_default=text("'DRAFT'"))
    applicants: Mapped[int] = mapped_column(default=0, server_default=text("0"))
