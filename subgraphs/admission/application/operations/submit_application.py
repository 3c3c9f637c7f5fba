"""Applying."""

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import select, text

from libs.db import TenantTransaction
from subgraphs.admission.application.model import Application, ApplicationName
from subgraphs.admission.application.operations.tell_applications import application_submitted
from subgraphs.admission.application.queries import Applicants, Marks, Person, recognised
from subgraphs.admission.application.rules import (
    AlreadyApplied,
    ApplicationForm,
    KeyReused,
    PeriodFull,
    application_number,
    check_form,
    check_open,
    hash_of_secret,
    name_words,
    payment_status_of,
    secret_of,
)
from subgraphs.admission.period.model import Period
from subgraphs.admission.period.rules import AdmissionPeriodStatus

_ONCE: Final = (
    "uq_applications_tenant_id_request_blind",
    "uq_applications_tenant_id_period_id_nik_blind",
    "uq_applications_tenant_id_period_id_nisn",
    "uq_applications_tenant_id_period_id_fingerprint",
)
_COUNT = text(
    """
    update admission.periods set applicants = applicants + 1, updated_at = now()
    where tenant_id = :tenant_id and id = :id and status = 'OPEN'
      and (max_applicants is null or applicants < max_applicants)
    returning applicants
    """
)


@dataclass(frozen=True, slots=True)
class Submitted:
    """What who applied gets; the secret opens the application together with its number."""

    number: str
    secret: str


async def submit_application(
    tx: TenantTransaction,
    *,
    applicants: Applicants,
    request_key: UUID,
    form: ApplicationForm,
    language: str,
    today: date,
) -> Submitted:
    """Takes an application. `request_key` is random and the sender's: with it the same form is answered again.

    Raises InvalidInput, NotFound (no such period), PeriodNotOpen, PeriodFull, AlreadyApplied, KeyReused.
    """
    check_form(form, today=today)
    period = await tx.get(Period, form.period_id)
    marks = applicants.marks(tx.tenant_id, form, request_key)
    if (answered := await _answered(tx, marks, form)) is not None:
        return answered
    _check_open(period, today)
    try:
        async with tx.rejecting(dict.fromkeys(_ONCE, AlreadyApplied)):
            application = await _application(tx, applicants, form, marks=marks, period=period, language=language)
    except AlreadyApplied:  # somebody was faster, perhaps this very request sent twice
        if (answered := await _answered(tx, marks, form)) is not None:
            return answered
        raise
    secret = secret_of(marks.secret)
    contact = Person(form.parent_name, form.parent_phone, form.parent_email)
    tx.emit(application_submitted(application, period, contact, secret=secret))
    return Submitted(application.number, secret)


async def _answered(tx: TenantTransaction, marks: Marks, form: ApplicationForm) -> Submitted | None:
    """What the same request was answered before. Raises KeyReused, AlreadyApplied."""
    found = await recognised(tx, marks, period_id=form.period_id, nisn=form.nisn)
    for application in found:
        if application.request_blind == marks.request:
            if application.fingerprint != marks.fingerprint:
                raise KeyReused
            return Submitted(application.number, secret_of(marks.secret))
    if found:
        raise AlreadyApplied
    return None


async def _application(
    tx: TenantTransaction,
    applicants: Applicants,
    form: ApplicationForm,
    *,
    marks: Marks,
    period: Period,
    language: str,
) -> Application:
    application_id, contact_id = tx.new_id(), tx.new_id()
    protected = await applicants.protect(tx, form, row_id=application_id, contact_id=contact_id)
    application = Application(
        id=application_id,
        period_id=period.id,
        # The last lock of the transaction: whoever applies next waits until this one commits, and gets the next number.
        number=application_number(period.number_prefix, await _count(tx, period.id)),
        secret_hash=hash_of_secret(secret_of(marks.secret)),
        request_blind=marks.request,
        fingerprint=marks.fingerprint,
        full_name=form.full_name,
        gender=form.gender.value,
        birth_place=form.birth_place,
        birth_date=form.birth_date,
        nisn=form.nisn,
        nik_blind=marks.nik,
        previous_school=form.previous_school,
        contact_id=contact_id,
        parent_name=form.parent_name,
        language=language,
        payment_status=payment_status_of(period.registration_fee).value,
        **protected,
    )
    tx.add(application)
    await tx.flush()
    tx.add(*(ApplicationName(application_id=application_id, token=word) for word in name_words(form.full_name)))
    return application


async def _count(tx: TenantTransaction, period_id: UUID) -> int:
    """The running number. Raises PeriodNotOpen, PeriodFull: what the row says once it is this transaction's."""
    running: int | None = (await tx.execute(_COUNT, {"tenant_id": tx.tenant_id, "id": period_id})).scalar_one_or_none()
    if running is None:
        now = select(Period).where(Period.tenant_id == tx.tenant_id, Period.id == period_id)
        period = (await tx.scalars(now.execution_options(populate_existing=True))).one()
        _check_open(period, period.start_date)
        raise PeriodFull(max_applicants=period.max_applicants)
    return running


def _check_open(period: Period, today: date) -> None:
    is_open = period.status == AdmissionPeriodStatus.OPEN.value
    check_open(is_open=is_open, start_date=period.start_date, end_date=period.end_date, today=today)
