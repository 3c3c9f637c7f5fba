"""Accounts, the words their names are found by, and the records and pupils they answer for."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TableClass, TenantRow, Versioned, tenant_key
from subgraphs.identity.model import Base


class User(Versioned, TenantRow, Base):
    """An account of one person in one school. E-mail and phone are ciphertexts; the blind columns find them.

    `ver` is the version tokens carry: a lower one is void. A registration that nobody completed yet is INVITED and has
    a token of it (`one_time_tokens`), which no invitation by the school has. `staff` says that the person holds, or has
    held, a role of the school's staff: their name is no secret to families.
    """

    __tablename__ = "users"

    email: Mapped[bytes] = mapped_column(LargeBinary)
    email_blind: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[str] = mapped_column(Text)
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_blind: Mapped[bytes | None] = mapped_column(LargeBinary)
    language: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    staff: Mapped[bool]
    password_hash: Mapped[str | None] = mapped_column(Text)
    must_change_password: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    email_verified_at: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]
    ver: Mapped[int] = mapped_column(server_default="1", default=1)
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status in ('INVITED', 'ACTIVE', 'INACTIVE')", name="status"),
        CheckConstraint("status <> 'ACTIVE' or password_hash is not null", name="active_has_password"),
        CheckConstraint("language in ('id', 'en')", name="language"),
        Index(
            "uq_users_tenant_id_email_blind",
            "tenant_id",
            "email_blind",
            unique=True,
            postgresql_where=text("deleted_at is null"),
        ),
        # Without those who were deleted, of whom there are more every year.
        Index("ix_users_tenant_id_name_id", "tenant_id", "name", "id", postgresql_where=text("deleted_at is null")),
        # Whom families see: `users` for them.
        Index("ix_users_staff", "tenant_id", "id", postgresql_where=text("staff")),
        Index(
            "ix_users_tenant_id_created_at_id",
            "tenant_id",
            "created_at",
            "id",
            postgresql_where=text("deleted_at is null"),
        ),
        Index("ix_users_deleted", "tenant_id", "deleted_at", "id", postgresql_where=text("deleted_at is not null")),
    )


class UserName(TenantRow, Base):
    """One word of a name, case folded: a search by prefix walks this index, which LIKE on the name could not use."""

    __tablename__ = "user_names"

    user_id: Mapped[UUID]
    token: Mapped[str] = mapped_column(Text(collation="C"))

    __table_args__ = (
        tenant_key("user_id", "identity.users", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "token", "user_id"),
        Index("ix_user_names_tenant_id_user_id", "tenant_id", "user_id"),
    )


class UserRecord(TenantRow, Base):
    """The record in academic (a pupil, guardian or teacher: `record_id`) an account was made or reused for."""

    __tablename__ = "user_records"

    record_id: Mapped[UUID]
    user_id: Mapped[UUID]

    __table_args__ = (
        tenant_key("user_id", "identity.users", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "record_id"),
        Index("ix_user_records_tenant_id_user_id", "tenant_id", "user_id"),
    )


class UserStudent(TenantRow, Base):
    """Projection of academic: which pupils are an account's own. `record_id` is the guardian, or the pupil itself."""

    __tablename__ = "user_students"

    student_id: Mapped[UUID]
    record_id: Mapped[UUID]
    user_id: Mapped[UUID | None]
    sequence: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        UniqueConstraint("tenant_id", "student_id", "record_id"),
        Index("ix_user_students_tenant_id_user_id", "tenant_id", "user_id"),
        {"info": {"class": TableClass.PROJECTION}},
    )
