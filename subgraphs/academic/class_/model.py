"""Classes: the pupils taught together in one academic year."""

from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, Versioned, one_of, tenant_key
from subgraphs.academic.model import Base


class Class(TenantRow, Versioned, Base):
    """A class (rombel). `enrolled_count` is kept in the transaction of every enrollment: its CHECK guards the seats."""

    __tablename__ = "classes"
    __table_args__ = (
        tenant_key("academic_year_id", "academic.academic_years"),
        tenant_key("homeroom_teacher_id", "academic.teachers"),
        UniqueConstraint("tenant_id", "academic_year_id", "name"),
        # What enrollments refer to, so that their kind and year cannot differ from those of their class.
        UniqueConstraint("tenant_id", "id", "kind", "academic_year_id"),
        one_of("kind", "REGULAR", "ELECTIVE", "EXTRACURRICULAR"),
        CheckConstraint("level between 1 and 13", name="level"),
        CheckConstraint("max_students > 0", name="max_students"),
        CheckConstraint("enrolled_count between 0 and max_students", name="enrolled_count"),
        Index(None, "tenant_id", "name", "id"),
        Index(None, "tenant_id", "level", "id"),
        Index(None, "tenant_id", "academic_year_id", "name", "id"),
        Index(None, "tenant_id", "homeroom_teacher_id"),
    )

    academic_year_id: Mapped[UUID]
    name: Mapped[str]
    level: Mapped[int]
    major: Mapped[str | None]
    kind: Mapped[str] = mapped_column(default="REGULAR", server_default=text("'REGULAR'"))
    homeroom_teacher_id: Mapped[UUID | None]
    max_students: Mapped[int]
    enrolled_count: Mapped[int] = mapped_column(default=0, server_default="0")
    room_number: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")
