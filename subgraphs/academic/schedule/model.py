"""The timetable: weekly slots of a semester."""

from datetime import time
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, Versioned, tenant_key
from subgraphs.academic.model import Base

# Seconds of the day: PostgreSQL has no range type of times. The end is not part of it, so that slots may touch.
_SLOT = text("int4range(extract(epoch from start_time)::int, extract(epoch from end_time)::int)")


def _never_twice(column: str, name: str) -> ExcludeConstraint:
    return ExcludeConstraint(
        ("tenant_id", "="),
        ("semester_id", "="),
        (column, "="),
        ("day_of_week", "="),
        (_SLOT, "&&"),
        where=text("is_active"),
        name=f"ex_schedules_{name}",
    )


class Schedule(TenantRow, Versioned, Base):
    """A weekly lesson. Class and semester are those of its class subject, the teacher is who teaches that now.

    Neither class nor teacher nor room is in two lessons at once.
    """

    __tablename__ = "schedules"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "class_subject_id", "class_id", "semester_id"],
            [
                "academic.class_subjects.tenant_id",
                "academic.class_subjects.id",
                "academic.class_subjects.class_id",
                "academic.class_subjects.semester_id",
            ],
        ),
        tenant_key("academic_year_id", "academic.academic_years"),
        tenant_key("teacher_id", "academic.teachers"),
        tenant_key("room_id", "academic.rooms"),
        _never_twice("class_id", "class"),
        _never_twice("teacher_id", "teacher"),
        _never_twice("room_id", "room"),
        CheckConstraint("day_of_week between 1 and 7", name="day_of_week"),
        CheckConstraint("start_time < end_time", name="times"),
        Index(None, "tenant_id", "class_subject_id"),
        Index("ix_schedules_class", "tenant_id", "semester_id", "class_id", "day_of_week", "start_time"),
        Index("ix_schedules_teacher", "tenant_id", "semester_id", "teacher_id", "day_of_week", "start_time"),
    )

    class_subject_id: Mapped[UUID]
    class_id: Mapped[UUID]
    semester_id: Mapped[UUID]
    academic_year_id: Mapped[UUID]
    teacher_id: Mapped[UUID | None]
    room_id: Mapped[UUID | None]
    day_of_week: Mapped[int]
    start_time: Mapped[time]
    end_time: Mapped[time]
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")
