"""Subjects of a class in a semester, and who teaches them from when to when."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped

from libs.db import TenantRow, Versioned, tenant_key
from subgraphs.academic.model import Base


class ClassSubject(TenantRow, Versioned, Base):
    """A subject a class has in a semester: one per class, subject and semester."""

    __tablename__ = "class_subjects"
    __table_args__ = (
        tenant_key("class_id", "academic.classes"),
        tenant_key("subject_id", "academic.subjects"),
        tenant_key("academic_year_id", "academic.academic_years"),
        tenant_key("semester_id", "academic.semesters"),
        UniqueConstraint("tenant_id", "class_id", "subject_id", "semester_id"),
        # What slots of the timetable refer to, so that their class and semester cannot differ.
        UniqueConstraint("tenant_id", "id", "class_id", "semester_id"),
        Index(None, "tenant_id", "subject_id"),
        Index(None, "tenant_id", "semester_id"),
    )

    class_id: Mapped[UUID]
    subject_id: Mapped[UUID]
    academic_year_id: Mapped[UUID]
    semester_id: Mapped[UUID]


class Teaching(TenantRow, Base):
    """Who teaches a subject of a class: one at a time. `valid_to` is the first day after."""

    __tablename__ = "teaching"
    __table_args__ = (
        tenant_key("class_subject_id", "academic.class_subjects", ondelete="CASCADE"),
        tenant_key("teacher_id", "academic.teachers"),
        ExcludeConstraint(
            ("tenant_id", "="),
            ("class_subject_id", "="),
            (text("daterange(valid_from, valid_to)"), "&&"),
            name="ex_teaching_dates",
        ),
        CheckConstraint("valid_from < valid_to", name="dates"),
        Index(None, "tenant_id", "teacher_id", "valid_from"),
    )

    class_subject_id: Mapped[UUID]
    teacher_id: Mapped[UUID]
    valid_from: Mapped[date]
    valid_to: Mapped[date]
