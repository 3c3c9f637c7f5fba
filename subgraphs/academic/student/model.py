"""Pupils, the words of their names, and their guardians."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, Versioned, one_of, tenant_key
from subgraphs.academic.model import Base


class Student(TenantRow, Versioned, Base):
    """A pupil. Bytes are protected values, encrypted with the pupil's key; `*_blind` finds an equal one."""

    __tablename__ = "students"
    __table_args__ = (
        UniqueConstraint("tenant_id", "nis"),
        UniqueConstraint("tenant_id", "nisn"),
        UniqueConstraint("tenant_id", "user_id"),
        one_of("gender", "MALE", "FEMALE"),
        one_of("status", "ACTIVE", "TRANSFERRED", "GRADUATED", "WITHDRAWN"),
        CheckConstraint("nisn ~ '^[0-9]{10}$'", name="nisn"),
        Index(None, "tenant_id", "nis", "id"),
        Index(None, "tenant_id", "full_name", "id"),
        Index(None, "tenant_id", "status", "id"),
    )

    user_id: Mapped[UUID | None]
    nis: Mapped[str]
    nisn: Mapped[str | None]
    nik: Mapped[bytes | None]
    nik_blind: Mapped[bytes | None]
    full_name: Mapped[str]
    nickname: Mapped[str | None]
    gender: Mapped[str]
    birth_place: Mapped[str | None]
    birth_date: Mapped[date | None]
    religion: Mapped[str | None]
    address: Mapped[bytes | None]
    phone: Mapped[bytes | None]
    phone_blind: Mapped[bytes | None]
    email: Mapped[bytes | None]
    email_blind: Mapped[bytes | None]
    entry_year: Mapped[int | None]
    status: Mapped[str] = mapped_column(default="ACTIVE", server_default=text("'ACTIVE'"))
    photo_file: Mapped[UUID | None]


class StudentName(TenantRow, Base):
    """One case-folded word of a pupil's name; byte order makes a prefix search a range of the index."""

    __tablename__ = "student_names"
    __table_args__ = (
        tenant_key("student_id", "academic.students", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "token", "student_id"),
        Index(None, "tenant_id", "student_id"),
    )

    student_id: Mapped[UUID]
    token: Mapped[str] = mapped_column(Text(collation="C"))


class Guardian(TenantRow, Versioned, Base):
    """A parent or guardian; siblings share one. E-mail and phone are encrypted with the guardian's key."""

    __tablename__ = "guardians"
    __table_args__ = (
        Index(None, "tenant_id", "user_id"),
        Index(None, "tenant_id", "email_blind"),
        Index(None, "tenant_id", "phone_blind"),
    )

    user_id: Mapped[UUID | None]
    name: Mapped[str]
    phone: Mapped[bytes | None]
    phone_blind: Mapped[bytes | None]
    email: Mapped[bytes | None]
    email_blind: Mapped[bytes | None]
    occupation: Mapped[str | None]


class StudentGuardian(TenantRow, Base):
    """Who answers for whom."""

    __tablename__ = "student_guardians"
    __table_args__ = (
        tenant_key("student_id", "academic.students", ondelete="CASCADE"),
        tenant_key("guardian_id", "academic.guardians", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "student_id", "guardian_id"),
        one_of("relation", "FATHER", "MOTHER", "GUARDIAN"),
        Index(
            "uq_student_guardians_primary", "tenant_id", "student_id", unique=True, postgresql_where=text("is_primary")
        ),
        Index(None, "tenant_id", "guardian_id"),
    )

    student_id: Mapped[UUID]
    guardian_id: Mapped[UUID]
    relation: Mapped[str]
    is_primary: Mapped[bool] = mapped_column(default=False, server_default="false")
    lives_with: Mapped[bool | None]
