"""Report cards: what they show is frozen in rows of their own, revision after revision."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, tenant_key
from subgraphs.operations.model import Base


class ReportCard(TenantRow, Base):
    """A report card of a pupil and a semester. `heading` is JSON, encrypted with the pupil's key, as the PDF is."""

    __tablename__ = "report_cards"
    __table_args__ = (
        tenant_key("supersedes_id", "operations.report_cards"),
        UniqueConstraint("tenant_id", "student_id", "semester_id", "revision"),
        UniqueConstraint("tenant_id", "code"),
        UniqueConstraint("tenant_id", "supersedes_id"),
        # What details refer to, so that they are about the same pupil.
        UniqueConstraint("tenant_id", "id", "student_id"),
        CheckConstraint("status in ('DRAFT', 'GENERATED', 'PUBLISHED', 'REVOKED')", name="status"),
        CheckConstraint("revision > 0", name="revision"),
        CheckConstraint("status = 'DRAFT' or file is not null", name="file"),
        Index(None, "tenant_id", "class_id", "semester_id"),
    )

    student_id: Mapped[UUID]
    class_id: Mapped[UUID]
    semester_id: Mapped[UUID]
    academic_year_id: Mapped[UUID]
    revision: Mapped[int]
    supersedes_id: Mapped[UUID | None]
    status: Mapped[str] = mapped_column(default="DRAFT", server_default=text("'DRAFT'"))
    code: Mapped[str]
    heading: Mapped[bytes]
    generated_by: Mapped[UUID]
    generated_at: Mapped[datetime | None]
    published_by: Mapped[UUID | None]
    published_at: Mapped[datetime | None]
    file: Mapped[str | None]
    file_bytes: Mapped[int | None] = mapped_column(BigInteger)  # as it is kept, sealed
    homeroom_comment: Mapped[str | None]
    decision: Mapped[str | None]


class ReportCardDetail(TenantRow, Base):
    """A subject on a report card, as it stood when the card was generated."""

    __tablename__ = "report_card_details"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "report_card_id", "student_id"],
            [f"operations.report_cards.{name}" for name in ("tenant_id", "id", "student_id")],
        ),
        UniqueConstraint("tenant_id", "report_card_id", "position"),
        Index(None, "tenant_id", "student_id"),
    )

    report_card_id: Mapped[UUID]
    student_id: Mapped[UUID]
    position: Mapped[int]
    subject_id: Mapped[UUID]
    subject_name: Mapped[str]
    final_score_hundredths: Mapped[int] = mapped_column(BigInteger)
    grade_letter: Mapped[str]
    predicate: Mapped[str]
    kkm: Mapped[int]
    description: Mapped[str | None]
    notes: Mapped[str | None]
