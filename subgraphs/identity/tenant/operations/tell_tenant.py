"""The state of a school again, for projections that start from nothing."""

from collections.abc import AsyncGenerator

from sqlalchemy import select

from libs.db import TenantTransaction
from libs.events.contracts.identity import TenantEvent, TenantUpdated
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.queries import state_event


async def tell_tenant(tx: TenantTransaction) -> AsyncGenerator[TenantEvent, None]:
    """One event for the school of the transaction, whose row is held until COMMIT; none for the platform's tenant."""
    school = select(*Tenant.__table__.c).where(Tenant.id == tx.tenant_id, Tenant.level.is_not(None))
    for row in (await tx.execute(school.with_for_update(read=True))).mappings():
        yield state_event(TenantUpdated, dict(row))
