"""Events of notification: what became of a message."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from libs.events.contracts.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class _AboutNotification(Event):
    domain: ClassVar[str] = "notification"
    aggregate: ClassVar[str] = "notification"
    aggregate_key: ClassVar[str] = "notification_id"

    notification_id: UUID
    channel: str
    event_type: str
    attempts: int
    recipient_user_id: UUID | None = None
    about_student_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSent(_AboutNotification):
    """The channel's provider took the message. `event_type` like `user.created`, channel as the graph's enum."""

    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationFailed(_AboutNotification):
    """Nobody will try again. `error` is the class of what went wrong, never an address or a text."""

    error: str


EVENTS: tuple[type[Event], ...] = (NotificationSent, NotificationFailed)
