"""Messages, the pupils they are about, and the queue of what is still to be sent."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from libs.db import TableClass, TenantRow, tenant_key
from subgraphs.notification.model import Base


class Notification(TenantRow, Base):
    """One message to one person over one channel.

    `subject` and `body` never hold a token or an address: the token lies in `sealed`, encrypted with the recipient's
    data key, and is gone once the message is sent. `event_id` is the event that caused it; together with the recipient
    it is the dedupe key. `about_record_id` is the academic record the message is about, as identity names it; which
    pupils that means is in `notification_students`. After `expires_at` nobody needs the message any more.
    `metadata_` holds what the template was given.

    `event_id` is made of the subject where something is told once for good, like a payment (rules.py). A message about
    an absence collects the recipient's pupils of `about_date`, while `collecting`: until a sender takes it.
    """

    __tablename__ = "notifications"

    contact_id: Mapped[UUID]
    user_id: Mapped[UUID | None]
    about_record_id: Mapped[UUID | None]
    event_id: Mapped[UUID]
    channel: Mapped[str]
    event_type: Mapped[str]
    language: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    sealed: Mapped[bytes | None]
    status: Mapped[str] = mapped_column(server_default="PENDING")
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    sent_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    error_message: Mapped[str | None]
    about_date: Mapped[date | None]
    collecting: Mapped[bool] = mapped_column(server_default="false")
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, server_default="{}")

    __table_args__ = (
        UniqueConstraint("tenant_id", "contact_id", "event_id"),
        CheckConstraint("channel in ('EMAIL', 'WHATSAPP', 'PUSH', 'SMS')", name="channel"),
        CheckConstraint(
            "status in ('PENDING', 'SENT', 'DELIVERED', 'READ', 'RETRY', 'FAILED', 'CANCELLED')", name="status"
        ),
        CheckConstraint("attempts between 0 and 3", name="attempts"),
        CheckConstraint("status <> 'SENT' or (sent_at is not null and sealed is null)", name="sent"),
        Index(None, "tenant_id", "created_at", "id"),
        Index(None, "tenant_id", "user_id", "created_at", "id"),
        Index(None, "tenant_id", "about_record_id", postgresql_where=text("about_record_id is not null")),
        Index(
            "uq_notifications_collecting",
            "tenant_id",
            "contact_id",
            "about_date",
            unique=True,
            postgresql_where=text("collecting"),
        ),
        Index("ix_notifications_failed", "tenant_id", postgresql_where=text("status = 'FAILED'")),
        Index("ix_notifications_sealed", "tenant_id", "expires_at", postgresql_where=text("sealed is not null")),
    )


class NotificationStudent(TenantRow, Base):
    """The message is about this pupil: a guardian of three pupils is invited once, and the message counts for each."""

    __tablename__ = "notification_students"

    notification_id: Mapped[UUID]
    student_id: Mapped[UUID]

    __table_args__ = (
        UniqueConstraint("tenant_id", "notification_id", "student_id"),
        tenant_key("notification_id", "notification.notifications", ondelete="CASCADE"),
        Index(None, "tenant_id", "student_id", "notification_id"),
    )


class Delivery(Base):
    """A message still to be sent: claimed across tenants, hence a queue table.

    `attempts` counts claims, before the send; until `due_at` nobody else takes the row.
    """

    __tablename__ = "deliveries"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    notification_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    due_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "notification_id"],
            ["notification.notifications.tenant_id", "notification.notifications.id"],
            ondelete="CASCADE",
        ),
        Index(None, "due_at"),
        {"info": {"class": TableClass.QUEUE}},
    )
