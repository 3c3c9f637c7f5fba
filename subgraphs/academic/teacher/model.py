"""Teachers."""

from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, Versioned, one_of
from subgraphs.academic.model import Base


class Teacher(TenantRow, Versioned, Base):
    """A teacher. The e-mail is encrypted with the teacher's key; it is whom identity invites."""

    __tablename__ = "teachers"
    __table_args__ = (
        UniqueConstraint("tenant_id", "user_id"),
        UniqueConstraint("tenant_id", "nip"),
        UniqueConstraint("tenant_id", "email_blind"),
        one_of("gender", "MALE", "FEMALE"),
        one_of("status", "ACTIVE", "INACTIVE"),
        CheckConstraint("nip ~ '^[0-9]{18}$'", name="nip"),
        CheckConstraint("nuptk ~ '^[0-9]{16}$'", name="nuptk"),
        Index(None, "tenant_id", "full_name", "id"),
        Index(None, "tenant_id", "status", "id"),
    )

    user_id: Mapped[UUID | None]
    nip: Mapped[str | None]
    nuptk: Mapped[str | None]
    full_name: Mapped[str]
    gender: Mapped[str | None]
    title: Mapped[str | None]
    email: Mapped[bytes | None]
    email_blind: Mapped[bytes | None]
    status: Mapped[str] = mapped_column(default="ACTIVE", server_default=text("'ACTIVE'"))
