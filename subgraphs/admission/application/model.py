"""Applications, and the words of the applicants' names."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TenantRow, Versioned, one_of, tenant_key
from subgraphs.admission.model import Base


class Application(TenantRow, Versioned, Base):
    """Somebody applies in a period. Bytes are protected values, encrypted with the applicant's key (nik) or that of
    the parent, a person of its own with the id `contact_id`; `*_blind` finds an equal one.

    `fingerprint` is equal for the same name, date of birth and parent's phone in the same period; `request_blind` for
    the key that the sender gave the request. Of the secret the hash alone is kept.
    """

    __tablename__ = "applications"
    __table_args__ = (
        tenant_key("period_id", "admission.periods"),
        UniqueConstraint("tenant_id", "number"),
        UniqueConstraint("tenant_id", "request_blind"),
        UniqueConstraint("tenant_id", "period_id", "nik_blind"),
        UniqueConstraint("tenant_id", "period_id", "nisn"),
        UniqueConstraint("tenant_id", "period_id", "fingerprint"),
        one_of("gender", "MALE", "FEMALE"),
        one_of("status", "SUBMITTED", "VERIFIED", "ACCEPTED", "WAITLISTED", "REJECTED", "REGISTERED", "WITHDRAWN"),
        one_of("payment_status", "FREE", "UNPAID", "PAID"),
        CheckConstraint("nisn ~ '^[0-9]{10}$'", name="nisn"),
        CheckConstraint("(verified_at is null) = (verified_by is null)", name="verified"),
        Index(None, "tenant_id", "number", "id"),
        Index(None, "tenant_id", "full_name", "id"),
        Index(None, "tenant_id", "created_at", "id"),
        Index(None, "tenant_id", "status", "id"),
        Index(None, "tenant_id", "period_id", "status", "id"),
    )

    period_id: Mapped[UUID]
    number: Mapped[str]
    secret_hash: Mapped[bytes]
    request_blind: Mapped[bytes]
    fingerprint: Mapped[bytes]
    full_name: Mapped[str]
    gender: Mapped[str]
    birth_place: Mapped[str]
    birth_date: Mapped[date]
    nisn: Mapped[str | None]
    nik: Mapped[bytes | None]
    nik_blind: Mapped[bytes | None]
    previous_school: Mapped[str | None]
    contact_id: Mapped[UUID]
    parent_name: Mapped[str]
    parent_phone: Mapped[bytes]
    parent_phone_blind: Mapped[bytes]
    parent_email: Mapped[bytes | None]
    parent_email_blind: Mapped[bytes | None]
    language: Mapped[str]
    status: Mapped[str] = mapped_column(default="SUBMITTED", server_default=text("'SUBMITTED'"))
    payment_status: Mapped[str]
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[UUID | None]


class ApplicationName(TenantRow, Base):
    """One case-folded word of an applicant's name; byte order makes a prefix search a range of the index."""

    __tablename__ = "application_names"
    __table_args__ = (
        tenant_key("application_id", "admission.applications", ondelete="CASCADE"),
        UniqueConstraint("tenant_id", "token", "application_id"),
        Index(None, "tenant_id", "application_id"),
    )

    application_id: Mapped[UUID]
    token: Mapped[str] = mapped_column(Text(collation="C"))
