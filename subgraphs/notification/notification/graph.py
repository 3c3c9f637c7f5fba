"""Messages in the graph: what was told to whom, and what became of it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, FromClause, Table, select

from libs.graph import (
    Connection,
    Info,
    ReadContext,
    column,
    connection,
    described_enum,
    entity,
    find_one,
    root_aggregates,
    root_connection,
)
from subgraphs.notification.model import Tenant
from subgraphs.notification.notification import model, rules
from subgraphs.notification.notification.queries import failed_messages

Channel = described_enum(
    rules.Channel,
    "The way a message takes.",
    EMAIL="E-mail.",
    WHATSAPP="WhatsApp.",
    PUSH="Push message on a phone.",
    SMS="Text message.",
)
NotificationStatus = described_enum(
    rules.NotificationStatus,
    "Where a message is.",
    PENDING="Waits for its first attempt.",
    SENT="The channel's provider took it.",
    DELIVERED="It reached the recipient's device or mailbox.",
    READ="The recipient opened it.",
    RETRY="An attempt failed; another one follows.",
    FAILED="Nobody will try again by itself.",
    CANCELLED="It was called back before it was sent.",
)


_schools: Table = Tenant.__table__


def own_notifications(table: FromClause, context: ReadContext) -> ColumnElement[bool]:
    """Those sent to the actor."""
    return table.c.user_id == context.user_id


def about_students(context: ReadContext) -> FromClause:
    """Pupil -> message about that pupil."""
    link = model.NotificationStudent
    return (
        select(link.student_id.label("source_id"), link.notification_id.label("target_id"))
        .where(link.tenant_id == context.tenant_id)
        .subquery()
    )


@entity(model.Notification.__table__, resource="notification", visible=own_notifications, keyed=False)
class Notification:
    """One message to one person over one channel."""

    id: UUID = column("Identity of the message.")
    channel: rules.Channel = column("The way it takes.", filter=True, group=True)
    event_type: str = column("What it tells of, like `user.created`.", filter=True, group=True)
    subject: str | None = column("Its subject, where the channel has one.")
    body: str = column("Its text, without links that work only once.")
    status: rules.NotificationStatus = column("Where it is.", filter=True, group=True)
    sent_at: datetime | None = column("When the channel's provider took it.")
    attempts: int = column("How often it was tried, at most three times.", measure=True)
    created_at: datetime = column("When it was written.", filter=True, order=True)


@entity(None, resource="notification")
class User:
    """An account, to which messages are sent."""

    id: UUID = column("Identity of the account.")
    notifications: Connection[Notification] | None = connection(
        "Notification", "Messages sent to this account, newest first.", remote="user_id", order="created_at desc"
    )


@entity(None, resource="notification")
class Student:
    """A pupil, about whom messages are sent."""

    id: UUID = column("Identity of the pupil.")
    notifications: Connection[Notification] | None = connection(
        "Notification", "Messages about this pupil, newest first.", through=about_students, order="created_at desc"
    )


@entity(_schools, resource="school_overview")
class SchoolOverview:
    """A school's figures at this moment, which academic owns."""

    id: UUID = column("Identity of the school.")
    failed_messages: int | None = column(
        "Messages that nobody will try again by itself.", of=lambda t: failed_messages(t.c.tenant_id)
    )


@strawberry.type
class NotificationQuery:
    """Reads of messages."""

    notifications: Connection[Notification] = root_connection(
        Notification, "Messages: the school's, or one's own; newest first.", order="created_at desc"
    )
    notification_aggregates = root_aggregates(Notification, "Figures of the school's messages.")

    @strawberry.field(description="One message; null when there is none for you.")
    async def notification(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="Identity of the message.")]
    ) -> Notification | None:
        found: Notification | None = await find_one(info, Notification, id=id)
        return found
