"""The holidays of a school."""

from collections.abc import AsyncGenerator
from datetime import date

from sqlalchemy import select

from libs.db import TenantTransaction
from libs.events.contracts.academic import HolidayDeclared
from subgraphs.academic.holiday.model import Holiday
from subgraphs.academic.holiday.rules import already_declared


async def declare_holiday(tx: TenantTransaction, *, day: date, name: str, affects_attendance: bool = True) -> Holiday:
    """A holiday of the school; a day may have several by different names. Raises InvalidInput."""
    holiday = Holiday(id=tx.new_id(), date=day, name=name, affects_attendance=affects_attendance)
    async with tx.rejecting({"uq_holidays_tenant_id_date_name": already_declared}):
        tx.add(holiday)
    tx.emit(holiday_declared(holiday))
    return holiday


def holiday_declared(holiday: Holiday) -> HolidayDeclared:
    """The holiday's full state as others need it."""
    return HolidayDeclared(
        holiday_id=holiday.id,
        date=holiday.date,
        name=holiday.name,
        affects_attendance=holiday.affects_attendance,
    )


async def tell_holidays(tx: TenantTransaction) -> AsyncGenerator[HolidayDeclared, None]:
    """One event for each holiday of the tenant, whose row is held until COMMIT."""
    every = select(Holiday).where(Holiday.tenant_id == tx.tenant_id).order_by(Holiday.id).with_for_update(read=True)
    for holiday in await tx.scalars(every):
        yield holiday_declared(holiday)
