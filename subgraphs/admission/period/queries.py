"""The day on a school's clock."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from libs.db import ReadTransaction
from subgraphs.admission.model import Tenant


async def school_day(tx: ReadTransaction, moment: datetime) -> date:
    """The date of a moment where the transaction's school is. Raises NotFound when the school is not known yet."""
    school = await tx.get(Tenant, tx.tenant_id)
    return moment.astimezone(ZoneInfo(school.timezone)).date()
