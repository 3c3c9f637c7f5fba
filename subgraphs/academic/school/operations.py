"""The school's own row, and what academic knows of the tenant, follow identity's register."""

from collections.abc import AsyncGenerator
from typing import Any

from sqlalchemy import Row, select

from libs.db import TenantTransaction
from libs.events import EventMeta, keep_tenant, upsert_if_newer
from libs.events.contracts.academic import SchoolUpdated
from libs.events.contracts.identity import TenantEvent
from subgraphs.academic.model import Tenant
from subgraphs.academic.school.model import School


async def keep_school(tx: TenantTransaction, event: TenantEvent, meta: EventMeta) -> None:
    """Makes the school of this tenant, or brings it up to date; what is older than the last change does nothing."""
    await keep_tenant(tx, Tenant, event, meta)
    school = {
        "id": event.tenant_id,
        "name": event.name,
        "npsn": event.npsn,
        "level": event.level,
        "timezone": event.timezone,
    }
    upsert = upsert_if_newer(School, school, sequence=meta.sequence)
    kept = (await tx.execute(upsert.returning(*School.__table__.c))).one_or_none()
    if kept is not None:
        tx.emit(school_updated(kept))


def school_updated(school: Row[Any]) -> SchoolUpdated:
    """The school's full state as others need it."""
    return SchoolUpdated(
        school_id=school.id,
        name=school.name,
        npsn=school.npsn,
        level=school.level,
        timezone=school.timezone,
        is_active=school.is_active,
        address=school.address,
        principal_name=school.principal_name,
    )


async def tell_school(tx: TenantTransaction) -> AsyncGenerator[SchoolUpdated, None]:
    """One event for the school of the tenant, whose row is held until COMMIT."""
    own = select(*School.__table__.c).where(School.tenant_id == tx.tenant_id).with_for_update(read=True)
    for school in await tx.execute(own):
        yield school_updated(school)
