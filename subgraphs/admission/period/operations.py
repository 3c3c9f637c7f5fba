"""Planning, opening and closing admission periods."""

from collections.abc import AsyncGenerator
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import select, text

from libs.db import TenantTransaction
from libs.events import school_day
from libs.events.contracts.admission import AdmissionPeriodOpened
from subgraphs.admission.model import Tenant
from subgraphs.admission.period.model import Period
from subgraphs.admission.period.rules import (
    AdmissionPeriodStatus,
    PeriodCodeTaken,
    check_openable,
    check_period,
    code_of,
    number_prefix,
)
from subgraphs.admission.roster.model import AcademicYear

CLOSE_PERIODS: Final = "close_periods"
"""The timed work's name."""

_CLOSE = text(
    """
    update admission.periods set status = 'CLOSED', version = version + 1, updated_at = now()
    where tenant_id = :tenant_id and status = 'OPEN' and end_date < :today
    """
)


async def create_admission_period(
    tx: TenantTransaction,
    *,
    name: str,
    code: str,
    academic_year_id: UUID,
    start_date: date,
    end_date: date,
    registration_fee: int | None,
    max_applicants: int | None,
) -> Period:
    """Plans a period; both dates are in it, the fee is in rupiah.

    Raises InvalidInput, NotFound (the year, or the school, is not known), PeriodCodeTaken.
    """
    year = await tx.get(AcademicYear, academic_year_id)
    code = code_of(code)
    check_period(code=code, start_date=start_date, end_date=end_date, year_end=year.end_date)
    school = await tx.get(Tenant, tx.tenant_id)
    period = Period(
        id=tx.new_id(),
        academic_year_id=year.id,
        name=name,
        code=code,
        number_prefix=number_prefix(npsn=school.npsn, slug=school.slug, year=year.start_date.year, code=code),
        start_date=start_date,
        end_date=end_date,
        registration_fee=registration_fee,
        max_applicants=max_applicants,
    )

    def taken() -> PeriodCodeTaken:
        return PeriodCodeTaken(period_code=code)

    # The second one: two years that begin in the same calendar year must not share numbers either.
    constraints = ("uq_periods_tenant_id_academic_year_id_code", "uq_periods_tenant_id_number_prefix")
    async with tx.rejecting(dict.fromkeys(constraints, taken)):
        tx.add(period)
    return period


async def open_admission_period(tx: TenantTransaction, *, period_id: UUID, today: date) -> Period:
    """Lets people apply, from the period's first day on. Raises NotFound, PeriodNotDraft, InvalidInput."""
    period = await tx.get(Period, period_id, lock=True)
    check_openable(AdmissionPeriodStatus(period.status), end_date=period.end_date, today=today)
    period.status = AdmissionPeriodStatus.OPEN.value
    period.version += 1
    await tx.flush()
    tx.emit(_opened(period))
    return period


async def close_periods(tx: TenantTransaction) -> None:
    """Closes the open periods whose last day has passed on the school's clock."""
    today = await school_day(tx, Tenant, tx.now)
    await tx.execute(_CLOSE, {"tenant_id": tx.tenant_id, "today": today})


async def tell_periods(tx: TenantTransaction) -> AsyncGenerator[AdmissionPeriodOpened, None]:
    """One event for each period of the tenant that was ever opened, whose row is held until COMMIT."""
    every = select(Period).where(Period.tenant_id == tx.tenant_id, Period.status != AdmissionPeriodStatus.DRAFT.value)
    for period in await tx.scalars(every.order_by(Period.id).with_for_update(read=True)):
        yield _opened(period)


def _opened(period: Period) -> AdmissionPeriodOpened:
    return AdmissionPeriodOpened(
        period_id=period.id,
        academic_year_id=period.academic_year_id,
        name=period.name,
        code=period.code,
        start_date=period.start_date,
        end_date=period.end_date,
        registration_fee=period.registration_fee,
        max_applicants=period.max_applicants,
    )
