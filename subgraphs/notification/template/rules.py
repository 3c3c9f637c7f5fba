"""What notifies, and what each message's template is given."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final

DEFAULT_LANGUAGE: Final = "id"
LANGUAGES: Final = frozenset({"id", "en"})

_WEEKDAYS: Final = {
    "id": ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS: Final = {
    "id": (
        *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
        *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}


class EventType(StrEnum):
    """What a person is told of."""

    USER_CREATED = "user.created"
    USER_ACTIVATED = "user.activated"
    USER_REGISTERED = "user.registered"
    USER_UNLOCK_REQUESTED = "user.unlock_requested"
    EMAIL_VERIFICATION_REQUESTED = "email.verification_requested"
    REGISTRATION_REPEATED = "user.registration_repeated"
    PASSWORD_RESET_REQUESTED = "password.reset_requested"  # noqa: S105 - the name of an event
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - the name of an event
    SECOND_FACTOR_CHANGED = "second_factor.changed"
    ABSENCE_NOTIFIED = "absence.notified"
    APPLICATION_SUBMITTED = "application.submitted"
    APPLICATION_VERIFIED = "application.verified"
    PAYMENT_RECEIVED = "payment.received"


VARIABLES: Final[Mapping[EventType, frozenset[str]]] = {
    EventType.USER_CREATED: frozenset({"days"}),
    EventType.USER_ACTIVATED: frozenset(),
    EventType.USER_REGISTERED: frozenset({"hours"}),
    EventType.USER_UNLOCK_REQUESTED: frozenset({"minutes"}),
    EventType.EMAIL_VERIFICATION_REQUESTED: frozenset({"hours"}),
    EventType.REGISTRATION_REPEATED: frozenset(),
    EventType.PASSWORD_RESET_REQUESTED: frozenset({"minutes"}),
    EventType.PASSWORD_CHANGED: frozenset({"at"}),
    EventType.SECOND_FACTOR_CHANGED: frozenset({"at", "change"}),
    EventType.ABSENCE_NOTIFIED: frozenset({"date"}),
    EventType.APPLICATION_SUBMITTED: frozenset({"number", "period"}),
    EventType.APPLICATION_VERIFIED: frozenset({"number"}),
    EventType.PAYMENT_RECEIVED: frozenset({"amount", "invoice", "payment", "open"}),
}
"""The variables each template may use. Nothing of a person is among them: the text is stored as it is."""

DETAILS: Final[Mapping[EventType, frozenset[str]]] = {
    EventType.ABSENCE_NOTIFIED: frozenset({"pupils"}),
    EventType.APPLICATION_SUBMITTED: frozenset({"secret"}),
}
"""What a mail says beyond the message that is stored: read and filled in when it leaves, and kept in clear nowhere."""


class TemplateRefused(Exception):
    """A template cannot be rendered with what it was given. Trying again would change nothing."""


def language_of(wanted: str) -> str:
    """The language a person is written in: theirs where there are templates for it, else Indonesian."""
    return wanted if wanted in LANGUAGES else DEFAULT_LANGUAGE


def check_variables(event_type: EventType, given: Mapping[str, object]) -> None:
    """Raises TemplateRefused unless exactly the declared variables are given."""
    if given.keys() != VARIABLES[event_type]:
        raise TemplateRefused(f"{event_type}: variables differ from {sorted(VARIABLES[event_type])}")


def check_details(event_type: EventType, given: Mapping[str, object]) -> None:
    """Raises TemplateRefused unless exactly the declared details are given."""
    if given.keys() != DETAILS.get(event_type, frozenset()):
        raise TemplateRefused(f"{event_type}: details differ from what is declared")


def rupiah(amount: int) -> str:
    """Whole rupiah as people write them: Rp 1.500.000."""
    return f"Rp {amount:,}".replace(",", ".")


def long_date(day: str, language: str) -> str:
    """A day (ISO) as people say it: Rabu, 25 November 2026. Raises ValueError for what is no day."""
    said = date.fromisoformat(day)
    weekday, month = _WEEKDAYS[language][said.weekday()], _MONTHS[language][said.month - 1]
    return f"{weekday}, {said.day} {month} {said.year}"


def long_moment(moment: str, language: str) -> str:
    """A moment (ISO, with its offset) as people say it: Rabu, 25 November 2026 pukul 21.12 (UTC+07:00).

    Raises ValueError for what is no moment.
    """
    said = datetime.fromisoformat(moment)
    day = long_date(said.date().isoformat(), language)
    time = f", {said:%H:%M}" if language == "en" else f" pukul {said:%H.%M}"
    return f"{day}{time} ({said.tzname()})"
