"""The roster follows academic: of one year the event with the highest sequence holds."""

from libs.db import TenantTransaction
from libs.events import EventMeta, upsert_if_newer
from libs.events.contracts.academic import AcademicYearCreated
from subgraphs.admission.roster.model import AcademicYear


async def keep_academic_year(tx: TenantTransaction, event: AcademicYearCreated, meta: EventMeta) -> None:
    """Keeps a school year."""
    values = {
        "id": event.academic_year_id,
        "name": event.name,
        "start_date": event.start_date,
        "end_date": event.end_date,
    }
    await tx.execute(upsert_if_newer(AcademicYear, values, sequence=meta.sequence))
