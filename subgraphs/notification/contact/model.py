"""Contacts and what academic tells of pupils and their guardians: projections, which events rebuild."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TableClass, TenantRow
from subgraphs.notification.model import Base


class Contact(TenantRow, Base):
    """A person with an account, whose id `id` is; or whom an application named, with an id and `application_id`.

    `email` and `phone` are encrypted with the person's data key; a deleted account has neither them nor a name.
    """

    __tablename__ = "contacts"

    sequence: Mapped[int] = mapped_column(BigInteger)
    application_id: Mapped[UUID | None]
    name: Mapped[str]
    language: Mapped[str]
    email: Mapped[bytes | None]
    phone: Mapped[bytes | None]

    __table_args__ = (
        Index(
            "ix_contacts_application",
            "tenant_id",
            "application_id",
            postgresql_where=text("application_id is not null"),
        ),
        {"info": {"class": TableClass.PROJECTION}},
    )


class Pupil(TenantRow, Base):
    """A pupil of the school; `id` is the student's, `user_id` the pupil's own account.

    `name` is encrypted with the pupil's data key: it stands in mails about the pupil, and in nothing that is kept.
    """

    __tablename__ = "pupils"

    sequence: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[UUID | None]
    name: Mapped[bytes | None]

    __table_args__ = ({"info": {"class": TableClass.PROJECTION}},)


class Guardianship(TenantRow, Base):
    """A guardian answers for a pupil. `user_id` is the guardian's account."""

    __tablename__ = "guardianships"

    sequence: Mapped[int] = mapped_column(BigInteger)
    guardian_id: Mapped[UUID]
    student_id: Mapped[UUID]
    user_id: Mapped[UUID | None]
    is_primary: Mapped[bool]

    __table_args__ = (
        UniqueConstraint("tenant_id", "guardian_id", "student_id"),
        Index(None, "tenant_id", "student_id"),
        {"info": {"class": TableClass.PROJECTION}},
    )


class Absence(TenantRow, Base):
    """What a pupil's day has become, as operations told it last; kept for a week. `class_name` is the pupil's class."""

    __tablename__ = "absences"

    sequence: Mapped[int] = mapped_column(BigInteger)
    student_id: Mapped[UUID]
    date: Mapped[date]
    class_name: Mapped[str]
    status: Mapped[str]

    __table_args__ = (
        UniqueConstraint("tenant_id", "student_id", "date"),
        Index(None, "tenant_id", "date"),
        {"info": {"class": TableClass.PROJECTION}},
    )
