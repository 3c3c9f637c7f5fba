"""Subjects taught at the school."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, Versioned, one_of
from subgraphs.academic.model import Base


class Subject(TenantRow, Versioned, Base):
    """A subject. `credit_hours` are lessons a week, `kkm` the minimum mark its grading rules start from."""

    __tablename__ = "subjects"
    __table_args__ = (
        UniqueConstraint("tenant_id", "code"),
        one_of("category", "WAJIB", "PEMINATAN", "MULOK"),
        CheckConstraint("credit_hours between 0 and 60", name="credit_hours"),
        CheckConstraint("kkm between 0 and 100", name="kkm"),
        Index(None, "tenant_id", "code", "id"),
        Index(None, "tenant_id", "name", "id"),
    )

    code: Mapped[str]
    name: Mapped[str]
    description: Mapped[str | None]
    category: Mapped[str]
    credit_hours: Mapped[int | None]
    kkm: Mapped[int]
    religion: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")
