"""How subjects of classes are graded: categories with their weights, assessments, and the grades of pupils."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, Versioned
from subgraphs.operations.model import Base


class GradeCategory(TenantRow, Base):
    """A kind of assessments of a class subject, with its weight: parts of a hundred."""

    __tablename__ = "grade_categories"
    __table_args__ = (
        UniqueConstraint("tenant_id", "class_subject_id", "name"),
        # What assessments refer to, so that their category is one of their own class subject.
        UniqueConstraint("tenant_id", "id", "class_subject_id"),
        CheckConstraint("weight between 1 and 100", name="weight"),
    )

    class_subject_id: Mapped[UUID]
    name: Mapped[str]
    weight: Mapped[int]
    assessment_count: Mapped[int] = mapped_column(default=0, server_default="0")


class Assessment(TenantRow, Versioned, Base):
    """Something that is graded: a test, a piece of homework. `max_score` is the best score, in points."""

    __tablename__ = "assessments"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "category_id", "class_subject_id"],
            [
                "operations.grade_categories.tenant_id",
                "operations.grade_categories.id",
                "operations.grade_categories.class_subject_id",
            ],
        ),
        # What grades refer to, so that what they repeat of their assessment cannot differ.
        UniqueConstraint("tenant_id", "id", "category_id", "max_score"),
        CheckConstraint("max_score between 1 and 1000", name="max_score"),
        Index(None, "tenant_id", "class_subject_id", "id"),
        Index(None, "tenant_id", "category_id"),
        Index(None, "tenant_id", "assessment_date", "id"),
    )

    class_subject_id: Mapped[UUID]
    category_id: Mapped[UUID]
    title: Mapped[str]
    description: Mapped[str | None]
    max_score: Mapped[int] = mapped_column(default=100, server_default="100")
    assessment_date: Mapped[date]
    created_by: Mapped[UUID]


class Grade(TenantRow, Base):
    """A pupil's score in an assessment, in hundredths of a point; null is missing, which is no zero.

    Category and best score repeat those of the assessment: a pupil's final scores are read off one index of grades.
    """

    __tablename__ = "grades"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "assessment_id", "category_id", "max_score"],
            [f"operations.assessments.{name}" for name in ("tenant_id", "id", "category_id", "max_score")],
            onupdate="CASCADE",
        ),
        UniqueConstraint("tenant_id", "assessment_id", "student_id"),
        CheckConstraint("score_hundredths between 0 and 100000", name="score_hundredths"),
        CheckConstraint("status in ('DRAFT', 'SUBMITTED', 'APPROVED')", name="status"),
        Index(
            "ix_grades_student",
            "tenant_id",
            "student_id",
            "category_id",
            postgresql_include=["max_score", "score_hundredths"],
        ),
    )

    assessment_id: Mapped[UUID]
    category_id: Mapped[UUID]
    max_score: Mapped[int]
    student_id: Mapped[UUID]
    score_hundredths: Mapped[int | None] = mapped_column(BigInteger)
    notes: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="DRAFT", server_default=text("'DRAFT'"))
    graded_by: Mapped[UUID]
    graded_at: Mapped[datetime]
    approved_by: Mapped[UUID | None]
    approved_at: Mapped[datetime | None]
