"""The school's own row, and what academic knows of the tenant, follow identity's register."""

from typing import Any

from libs.db import TenantTransaction
from libs.events import EventMeta, upsert_if_newer
from libs.events.contracts.academic import SchoolUpdated
from libs.events.contracts.identity import TenantCreated, TenantUpdated
from subgraphs.academic.model import Tenant
from subgraphs.academic.school.model import School


async def keep_school(tx: TenantTransaction, event: TenantCreated | TenantUpdated, meta: EventMeta) -> None:
    """Makes the school of this tenant, or brings it up to date; what is older than the last change does nothing."""
    known: dict[str, Any] = {"name": event.name, "npsn": event.npsn, "level": event.level, "timezone": event.timezone}
    tenant = {
        "id": tx.tenant_id,
        "slug": event.slug,
        "status": event.status,
        "features": list(event.features),
        "quotas": dict(event.quotas),
    }
    await tx.execute(upsert_if_newer(Tenant, known | tenant, sequence=meta.sequence))
    school = upsert_if_newer(School, known | {"id": tx.tenant_id}, sequence=meta.sequence)
    is_active = (await tx.execute(school.returning(School.is_active))).scalar_one_or_none()
    if is_active is not None:
        tx.emit(SchoolUpdated(school_id=tx.tenant_id, is_active=is_active, **known))
