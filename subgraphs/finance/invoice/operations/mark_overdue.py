"""Invoices that are not paid in time."""

from typing import Final

from sqlalchemy import text

from libs.db import TenantTransaction
from libs.events import school_day
from subgraphs.finance.model import Tenant

MARK_OVERDUE: Final = "mark_overdue"
"""The timed work's name."""

_MARK = text(
    """
    update finance.invoices set status = 'OVERDUE', updated_at = now()
    where tenant_id = :tenant_id and status = any('{UNPAID,PARTIALLY_PAID}'::text[]) and due_date < :today
    """
)


async def mark_overdue(tx: TenantTransaction) -> None:
    """Marks what the day by which it was to be paid has passed for, on the school's clock."""
    today = await school_day(tx, Tenant, tx.now)
    await tx.execute(_MARK, {"tenant_id": tx.tenant_id, "today": today})
