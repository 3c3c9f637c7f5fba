"""Enrollments: which pupil sits in which class, from when to when."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, Versioned, one_of, tenant_key
from subgraphs.academic.model import Base


class Enrollment(TenantRow, Versioned, Base):
    """A pupil's time in a class. `valid_to` is the first day after it: the day after the year's end, if not earlier.

    Kind and year repeat those of the class: one pupil's regular enrollments never overlap.
    """

    __tablename__ = "enrollments"
    __table_args__ = (
        tenant_key("student_id", "academic.students", ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["tenant_id", "class_id", "kind", "academic_year_id"],
            [
                "academic.classes.tenant_id",
                "academic.classes.id",
                "academic.classes.kind",
                "academic.classes.academic_year_id",
            ],
        ),
        ExcludeConstraint(
            ("tenant_id", "="),
            ("student_id", "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            where=text("kind = 'REGULAR'"),
            name="ex_enrollments_regular",
        ),
        # Partial, so that PostgreSQL does not take this index, a slower one, to find the pupils of a class.
        ExcludeConstraint(
            ("tenant_id", "="),
            ("student_id", "="),
            ("class_id", "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            where=text("kind <> 'REGULAR'"),
            name="ex_enrollments_class",
        ),
        one_of("kind", "REGULAR", "ELECTIVE", "EXTRACURRICULAR"),
        one_of("status", "ACTIVE", "TRANSFERRED", "GRADUATED", "WITHDRAWN"),
        CheckConstraint("valid_from < valid_to", name="dates"),
        Index("ix_enrollments_class", "tenant_id", "class_id", "valid_from", "student_id"),
        Index(None, "tenant_id", "student_id", "valid_from", "id"),
        Index(None, "tenant_id", "valid_from", "id"),
    )

    class_id: Mapped[UUID]
    student_id: Mapped[UUID]
    academic_year_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(default="REGULAR", server_default=text("'REGULAR'"))
    enrolled_at: Mapped[datetime] = mapped_column(server_default=func.now())
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    status: Mapped[str] = mapped_column(default="ACTIVE", server_default=text("'ACTIVE'"))
    reason: Mapped[str | None]
