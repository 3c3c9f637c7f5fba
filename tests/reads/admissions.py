"""Who applies at the schools of families.py: in a period that is open, one that is planned and one that begins later."""

from typing import TYPE_CHECKING

from subgraphs.admission.application.model import Application, ApplicationName
from subgraphs.admission.model import Tenant
from subgraphs.admission.period.model import Period

if TYPE_CHECKING:
    from tests.reads.families import Rows

MODELS = (Tenant, Period, Application, ApplicationName)
"""In the order of their foreign keys."""
_PERIODS = {"open": ("OPEN", -10, 20), "later": ("OPEN", 1, 20), "over": ("OPEN", -20, -1), "planned": ("DRAFT", -5, 9)}
"""Key -> status, first and last day from today."""
_APPLICANTS = {
    "umar": ("open", "SUBMITTED"),
    "udin": ("open", "VERIFIED"),
    "uci": ("over", "SUBMITTED"),
    "ulfa": ("over", "REJECTED"),
}


def add_applicants(rows: "Rows") -> None:
    """Periods with applications."""
    for key, (status, first, last) in _PERIODS.items():
        _period(rows, key, status, first, last)
    for key, (period, status) in _APPLICANTS.items():
        add_applicant(rows, key, period, status)


def add_planned_period(rows: "Rows", key: str) -> None:
    """A period of which nobody outside may know."""
    _period(rows, key, "DRAFT", -3, 3)


def add_applicant(rows: "Rows", key: str, period: str, status: str = "SUBMITTED") -> None:
    """Somebody applies; every second one has no national number."""
    number = len(rows.by_model[Application])
    application = rows.add(
        Application,
        key,
        period_id=rows.id("periods", period),
        **{name: f"{name}/{key}".encode() for name in ("secret_hash", "request_blind", "fingerprint", "parent_phone")},
        parent_phone_blind=b"-",
        contact_id=rows.id("contacts", key),
        number=f"{rows.school}-{number:04}".upper(),
        gender=("FEMALE", "MALE")[number % 2],
        birth_date=rows.day(-4_000 - number),
        nisn=rows.number(f"applicant-{key}", 10) if number % 2 else None,
        status=status,
        payment_status=("UNPAID", "PAID")[number % 2],
        created_at=rows.made,
        verified_at=rows.made if status == "VERIFIED" else None,
        verified_by=rows.id("users", "school_admin") if status == "VERIFIED" else None,
    )
    word = application["full_name"].casefold()
    rows.add(ApplicationName, key, application_id=application["id"], token=word)


def _period(rows: "Rows", key: str, status: str, first: int, last: int) -> None:
    rows.add(
        Period,
        key,
        academic_year_id=rows.id("academic_years", "now"),
        start_date=rows.day(first),
        end_date=rows.day(last),
        registration_fee=150_000 if key == "open" else None,
        max_applicants=None if key == "open" else 100,
        status=status,
        applicants=len(key),
    )
