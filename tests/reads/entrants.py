"""Who applies at the two schools of world.py: ties, nulls, names of every kind, periods of every state."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from subgraphs.admission.application.model import Application, ApplicationName
from subgraphs.admission.application.rules import name_words
from subgraphs.admission.period.model import Period

NUMBERS = ("MELATI-2027A-0001", "melati-2027a-0001", "KENANGA-2027B-0005")
PERIODS = ("Gelombang 1", 'Jalur "Prestasi" 🏅', "Gelombang 1", "Zonasi \\ 'B'", "Zonasi \\ 'B'")
APPLICANTS = 9
_MADE = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
_STATES = ("SUBMITTED", "VERIFIED", "ACCEPTED", "WAITLISTED", "REJECTED", "REGISTERED", "WITHDRAWN")
_SPANS = (("OPEN", -10, 10), ("OPEN", 0, 0), ("DRAFT", -10, 10), ("OPEN", -9, -1), ("CLOSED", -10, 10))
"""Status of each period, first and last day from today."""


def tables(
    identity: Callable[[str, int], UUID],
    rows: Callable[[str, Sequence[Mapping[str, Any]]], Any],
    today: date,
    *,
    school: str,
    names: Sequence[str],
) -> list[tuple[Any, Any]]:
    """Everything admission holds but for the school, in the order of its foreign keys."""
    periods = [
        {
            "academic_year_id": identity("year", 2 if at else 1),
            "name": PERIODS[at],
            "code": "ABCDE"[at],
            "number_prefix": f"{school}-2027{'ABCDE'[at]}",
            "start_date": today + timedelta(days=first),
            "end_date": today + timedelta(days=last),
            "registration_fee": None if at % 2 else 150_000,
            "max_applicants": 40 if at % 2 else None,
            "status": status,
            "applicants": at,
        }
        for at, (status, first, last) in enumerate(_SPANS)
    ]
    words = [
        {"application_id": identity("application", at), "token": word}
        for at in range(APPLICANTS)
        for word in name_words(names[at])
    ]
    applications = [_application(identity, at, school, names[at]) for at in range(APPLICANTS)]
    return [
        (Period, rows("period", periods)),
        (Application, rows("application", applications)),
        (ApplicationName, rows("applicant-word", words)),
    ]


def _application(identity: Callable[[str, int], UUID], at: int, school: str, name: str) -> dict[str, Any]:
    is_verified = at % len(_STATES) == 1
    marks = ("secret_hash", "request_blind", "fingerprint", "parent_phone", "parent_phone_blind")
    return {
        **{each: f"{each}/{at}".encode() for each in marks},
        "period_id": identity("period", at % 4),
        "number": f"{school}-2027{'ABCD'[at % 4]}-{at + 1:04}".upper(),
        "full_name": name,
        "gender": ("MALE", "FEMALE")[at % 2],
        "birth_place": ("Wonosobo", "", "القاهرة")[at % 3],
        "birth_date": date(2010 + at % 2, 1, 1),
        "nisn": None if at % 3 == 0 else f"{at:010}",
        "previous_school": None if at % 2 else "SMP \\ 'Negeri' 1",
        "contact_id": identity("applicant-contact", at),
        "parent_name": "Siti \\'Aminah",
        "language": "id",
        "status": _STATES[at % len(_STATES)],
        "payment_status": ("UNPAID", "PAID", "FREE")[at % 3],
        "created_at": _MADE + timedelta(hours=at // 3, microseconds=at if at > 6 else 0),
        "verified_at": _MADE if is_verified else None,
        "verified_by": identity("user-principal", 0) if is_verified else None,
    }
