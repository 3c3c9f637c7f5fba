"""Events of admission: periods and applications."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from libs.events.contracts.event import Event, PersonalPart


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionPeriodOpened(Event):
    """A period takes applications from `start_date` to `end_date`. The fee is in rupiah."""

    domain: ClassVar[str] = "admission"
    aggregate: ClassVar[str] = "period"
    aggregate_key: ClassVar[str] = "period_id"

    period_id: UUID
    academic_year_id: UUID
    name: str
    code: str
    start_date: date
    end_date: date
    registration_fee: int | None
    max_applicants: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicantContact(PersonalPart):
    """Who is written to about an application, a parent as a rule. Personal: name, email and phone if known.

    `contact_id` is an identity of its own: the parent is another person than the applicant.
    """

    person: ClassVar[str | None] = "contact_id"

    contact_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSubmitted(Event):
    """Somebody applies. Personal: name, birth_date. Secret: `secret`, with which the family follows the application.

    The secret is told once: an application that is told again (a snapshot) comes without it, since its hash alone is
    kept, and nobody is to be written to about it anew.
    `registration_fee` is what is to be paid, in rupiah; null where applying is free.
    """

    domain: ClassVar[str] = "admission"
    aggregate: ClassVar[str] = "application"
    aggregate_key: ClassVar[str] = "application_id"
    person: ClassVar[str | None] = "application_id"

    application_id: UUID
    period_id: UUID
    period_name: str
    number: str
    registration_fee: int | None
    contact: ApplicantContact
    language: str = "id"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationVerified(Event):
    """The school has seen that an application is complete and true."""

    domain: ClassVar[str] = "admission"
    aggregate: ClassVar[str] = "application"
    aggregate_key: ClassVar[str] = "application_id"

    application_id: UUID
    period_id: UUID
    number: str


EVENTS: tuple[type[Event], ...] = (AdmissionPeriodOpened, ApplicationSubmitted, ApplicationVerified)
