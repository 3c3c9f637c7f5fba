"""Applicants: their protected values, what they are recognised by, and where their applications stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, any_, func, literal, or_, select

from libs.crypto import BlindIndex, KeyRing, Vault
from libs.db import ReadTransaction, TenantTransaction
from libs.settings import Settings
from subgraphs.admission.application.model import Application
from subgraphs.admission.application.rules import (
    ApplicationForm,
    ApplicationStatus,
    PaymentStatus,
    opens,
    same_applicant,
)
from subgraphs.admission.model import Tenant, person_keys
from subgraphs.admission.period.model import Period
from subgraphs.admission.period.rules import AdmissionPeriodStatus

_TABLE = "applications"


@dataclass(frozen=True, slots=True)
class Marks:
    """What one request is recognised by, and the random bytes of its secret."""

    request: bytes
    fingerprint: bytes
    nik: bytes | None
    secret: bytes


@dataclass(frozen=True, slots=True)
class Person:
    """What is told of a person in events."""

    name: str
    phone: str | None = None
    email: str | None = None

    @property
    def personal(self) -> dict[str, str]:
        """What is known, as events carry it."""
        known = {"name": self.name, "phone": self.phone, "email": self.email}
        return {name: value for name, value in known.items() if value}


@dataclass(frozen=True, slots=True)
class Applicants:
    """The keys that applications are kept and recognised with."""

    vault: Vault
    blind_index: BlindIndex

    @classmethod
    def from_settings(cls, settings: Settings) -> "Applicants":
        """With the keys of this process. Raises SettingsError when one is missing."""
        return cls(Vault(KeyRing.from_settings(settings), person_keys), BlindIndex(settings))

    def marks(self, tenant_id: UUID, form: ApplicationForm, request_key: UUID) -> Marks:
        """The secret comes out of the key of the request: who sends it again gets it again, and it is not kept."""
        blind = self.blind_index.of
        return Marks(
            request=blind(tenant_id, "request", str(request_key)),
            fingerprint=blind(tenant_id, "applicant", same_applicant(form)),
            nik=blind(tenant_id, "nik", form.nik) if form.nik else None,
            secret=blind(tenant_id, "secret", str(request_key)),
        )

    async def protect(self, tx: TenantTransaction, form: ApplicationForm, *, row_id: UUID, contact_id: UUID) -> Any:
        """The protected columns of an application, by name; the applicant and the parent get their keys."""
        keys = await self.vault.person_keys(tx, [row_id, contact_id], create=True)
        columns: dict[str, bytes] = {}
        for column, value, person in (
            ("nik", form.nik, row_id),
            ("parent_phone", form.parent_phone, contact_id),
            ("parent_email", form.parent_email, contact_id),
        ):
            if value:
                columns[column] = keys[person].encrypt(
                    value, table=_TABLE, column=column, row_id=row_id, tenant_id=tx.tenant_id
                )
        columns["parent_phone_blind"] = self.blind_index.of(tx.tenant_id, "phone", form.parent_phone)
        if form.parent_email:
            columns["parent_email_blind"] = self.blind_index.of(tx.tenant_id, "email", form.parent_email)
        return columns

    async def contacts_of(self, tx: ReadTransaction, rows: Sequence[Application]) -> dict[UUID, Person]:
        """Who is written to about each application, by its id; of who was erased the name alone."""
        keys = await self.vault.person_keys(tx, [row.contact_id for row in rows])
        found = {}
        for row in rows:
            key = keys.get(row.contact_id)
            phone, email = (
                key.decrypt(sealed, table=_TABLE, column=column, row_id=row.id, tenant_id=tx.tenant_id)
                if key is not None and sealed is not None
                else None
                for column, sealed in (("parent_phone", row.parent_phone), ("parent_email", row.parent_email))
            )
            found[row.id] = Person(row.parent_name, phone, email)
        return found


async def recognised(tx: ReadTransaction, marks: Marks, *, period_id: UUID, nisn: str | None) -> Sequence[Application]:
    """Applications that came with the same request, or are of the same applicant in the same period."""
    same = [Application.fingerprint == marks.fingerprint]
    if marks.nik is not None:
        same.append(Application.nik_blind == marks.nik)
    if nisn is not None:
        same.append(Application.nisn == nisn)
    wanted = or_(Application.request_blind == marks.request, and_(Application.period_id == period_id, or_(*same)))
    return (await tx.scalars(select(Application).where(Application.tenant_id == tx.tenant_id, wanted))).all()


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an application stands."""

    number: str
    status: ApplicationStatus
    payment_status: PaymentStatus


async def find_standing(
    tx: ReadTransaction, *, number: str, secret: str | None, birth_date: date | None
) -> Standing | None:
    """That of the application with a number, however it is written, for who knows it; None whatever of it is wrong."""
    mine = Application
    found = await tx.execute(
        select(mine.number, mine.status, mine.payment_status, mine.secret_hash, mine.birth_date).where(
            mine.tenant_id == tx.tenant_id, mine.number == "".join(number.upper().replace("\0", "").split())
        )
    )
    row = found.one_or_none()
    kept = (row.secret_hash, row.birth_date) if row else (None, None)
    if not opens(secret=secret, birth_date=birth_date, secret_hash=kept[0], born=kept[1]) or row is None:
        return None
    return Standing(row.number, ApplicationStatus(row.status), PaymentStatus(row.payment_status))


@dataclass(frozen=True, slots=True)
class School:
    """A school as its page names it."""

    id: UUID
    name: str
    timezone: str


async def find_school(tx: ReadTransaction, slug: str) -> School | None:
    """The school of a slug that takes applications; `tx` is the platform's, whose the schools are."""
    found = await tx.execute(
        select(Tenant.id, Tenant.name, Tenant.timezone).where(
            Tenant.slug == slug.lower().replace("\0", ""),
            Tenant.status == "ACTIVE",
            literal("ADMISSION") == any_(Tenant.features),
        )
    )
    row = found.one_or_none()
    return None if row is None else School(row.id, row.name, row.timezone)


@dataclass(frozen=True, slots=True)
class OpenPeriod:
    """A period in which one can apply; the fee in rupiah."""

    id: UUID
    name: str
    start_date: date
    end_date: date
    registration_fee: int | None


async def open_periods(tx: ReadTransaction, today: date) -> list[OpenPeriod]:
    """Where one can apply on the school's day, first those that end first."""
    found = await tx.execute(
        select(Period.id, Period.name, Period.start_date, Period.end_date, Period.registration_fee)
        .where(
            Period.tenant_id == tx.tenant_id,
            Period.status == AdmissionPeriodStatus.OPEN.value,
            Period.start_date <= today,
            Period.end_date >= today,
        )
        .order_by(Period.end_date, Period.name)
    )
    return [OpenPeriod(*row) for row in found]


def submitted_applications(tenant_id: ColumnElement[UUID]) -> ColumnElement[int]:
    """How many applications of a school wait to be verified."""
    return (
        select(func.count())
        .select_from(Application)
        .where(Application.tenant_id == tenant_id, Application.status == ApplicationStatus.SUBMITTED.value)
        .scalar_subquery()
    )
