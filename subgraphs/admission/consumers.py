"""What admission does about events."""

from libs.db import TenantTransaction
from libs.events import Consumers, EventMeta, upsert_if_newer
from libs.events.contracts.identity import TenantCreated, TenantUpdated
from subgraphs.admission.model import Tenant


async def project_tenant(tx: TenantTransaction, event: TenantCreated | TenantUpdated, meta: EventMeta) -> None:
    """Keeps a school."""
    values = {
        "id": event.tenant_id,
        "slug": event.slug,
        "name": event.name,
        "npsn": event.npsn,
        "level": event.level,
        "timezone": event.timezone,
        "status": event.status,
        "features": list(event.features),
        "quotas": dict(event.quotas),
    }
    await tx.execute(upsert_if_newer(Tenant, values, sequence=meta.sequence))


def consumers() -> Consumers:
    """Event -> operation."""
    return {TenantCreated: project_tenant, TenantUpdated: project_tenant}
