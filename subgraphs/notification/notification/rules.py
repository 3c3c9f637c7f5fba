"""The life of a message: how often it is tried, when again, and what it may say."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode
from uuid import UUID, uuid5

MAX_ATTEMPTS: Final = 3
FIRST_WAIT: Final = timedelta(seconds=30)
WAIT_FACTOR: Final = 4
JITTER: Final = 0.25
LEASE: Final = timedelta(seconds=90)
"""How long a claimed message is left alone: longer than a batch may take, so that only a dead sender loses it."""

ABSENT: Final = frozenset({"ABSENT", "LATE"})
"""What a pupil's day is when the family is told of it."""
ABSENCE_LIFE: Final = timedelta(days=1)
"""After it nobody needs a message about an absence any more."""
ABSENCES_KEPT: Final = timedelta(days=7)
SECRET_LIFE: Final = timedelta(days=14)
"""How long the secret of an application waits for a mail server that takes it."""

FORGET_SECRETS: Final = "forget_secrets"
"""The timed work that deletes tokens which have expired unsent, and old absences."""


class Channel(StrEnum):
    """The way a message takes."""

    EMAIL = "EMAIL"
    WHATSAPP = "WHATSAPP"
    PUSH = "PUSH"
    SMS = "SMS"


class NotificationStatus(StrEnum):
    """Where a message is."""

    PENDING = "PENDING"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    READ = "READ"
    RETRY = "RETRY"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Undeliverable(Exception):
    """A message nobody will try again by itself; the reason stands in its row."""


class NotKnownYet(Exception):
    """An event about somebody of whom nothing has arrived yet: the consumer tries it again, then buries it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from an attempt. `due_at` is when to try again, None when it is over."""

    status: NotificationStatus
    error: str | None
    due_at: datetime | None


def after_success() -> Verdict:
    """The channel took the message."""
    return Verdict(NotificationStatus.SENT, None, None)


def after_failure(*, error: str, permanent: bool, attempts: int, notification_id: UUID, now: datetime) -> Verdict:
    """Tries again after a temporary error while attempts are left; a permanent one ends it at once."""
    if permanent or attempts >= MAX_ATTEMPTS:
        return Verdict(NotificationStatus.FAILED, error, None)
    return Verdict(NotificationStatus.RETRY, error, now + wait_after(attempts, notification_id))


def wait_after(attempts: int, notification_id: UUID) -> timedelta:
    """30 s after the first attempt, 2 min after the second, each a quarter more or less.

    The jitter comes from the random bits of the id: messages that failed together do not come back together, and a
    test knows when.
    """
    share = notification_id.int % 1001 / 1000  # 0 to 1
    wait: timedelta = FIRST_WAIT * WAIT_FACTOR ** (attempts - 1)
    return wait * (1 - JITTER + 2 * JITTER * share)


def days_left(*, now: datetime, expires_at: datetime) -> int:
    """Whole days for which an invitation is good, at least one."""
    return max(1, round((expires_at - now) / timedelta(days=1)))


def account_url(public_url: str, page: str, token: str) -> str:
    """A page of identity that takes a token (invitation, reset-password). The token is URL-safe as it is."""
    return f"{public_url.rstrip('/')}/account/{page}?token={token}"


def forgotten_url(public_url: str, slug: str) -> str:
    """The page of identity on which somebody of that school asks for a new password."""
    return f"{public_url.rstrip('/')}/account/forgot?{urlencode({'school': slug})}"


def application_url(public_url: str, slug: str, number: str) -> str:
    """The page of a school's admission on which a family follows its application; the secret is typed in there."""
    return f"{public_url.rstrip('/')}/ppdb/{slug}?{urlencode({'number': number})}"


def told_once(subject_id: UUID, event_type: str) -> UUID:
    """What stands for the event where a subject is told of once, however many events say so again."""
    return uuid5(subject_id, event_type)
