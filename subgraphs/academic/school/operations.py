"""The school's own row follows identity's register."""

from libs.db import TenantTransaction
from libs.events import upsert_if_newer
from libs.events.contracts.academic import SchoolUpdated
from subgraphs.academic.school.model import School


async def keep_school(
    tx: TenantTransaction, *, name: str, npsn: str | None, level: str | None, timezone: str, sequence: int
) -> None:
    """Makes the school of this tenant, or brings it up to date; what is older than the last change does nothing.

    A tenant without a level is the platform, which is no school.
    """
    if level is None:
        return
    values = {"id": tx.tenant_id, "name": name, "npsn": npsn, "level": level, "timezone": timezone}
    written = await tx.execute(upsert_if_newer(School, values, sequence=sequence).returning(School.is_active))
    is_active = written.scalar_one_or_none()
    if is_active is not None:
        tx.emit(
            SchoolUpdated(
                school_id=tx.tenant_id, name=name, npsn=npsn, level=level, timezone=timezone, is_active=is_active
            )
        )
