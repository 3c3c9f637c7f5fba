"""Marks of attendance."""

import datetime as dt
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from libs.db import TenantRow
from subgraphs.operations.model import Base


class StudentAttendance(TenantRow, Base):
    """A pupil's mark of a day or, with `schedule_id`, of a lesson.

    The teacher's and the office's are both kept, and the office's holds.
    """

    __tablename__ = "student_attendance"
    __table_args__ = (
        UniqueConstraint(
            *("tenant_id", "student_id", "date", "schedule_id", "source"),
            name="uq_student_attendance_mark",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("status in ('PRESENT', 'ABSENT', 'LATE', 'EXCUSED', 'SICK')", name="status"),
        CheckConstraint("source in ('TEACHER', 'OFFICE', 'SELF')", name="source"),
        Index(None, "tenant_id", "date", "status", "student_id"),
        Index(None, "tenant_id", "date", "id"),
    )

    student_id: Mapped[UUID]
    class_id: Mapped[UUID]
    schedule_id: Mapped[UUID | None]
    date: Mapped[dt.date]
    status: Mapped[str]
    check_in_time: Mapped[dt.datetime | None]
    notes: Mapped[str | None]
    recorded_by: Mapped[UUID]
    source: Mapped[str]
    observed_at: Mapped[dt.datetime]
