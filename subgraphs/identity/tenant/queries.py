"""Schools as the graph shows them, and as others are told of them."""

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import FromClause, select

from libs.events.contracts.identity import TenantCreated, TenantUpdated
from subgraphs.identity.tenant.model import Tenant

E = TypeVar("E", TenantCreated, TenantUpdated)

SCHOOLS: FromClause = select(Tenant.__table__).where(Tenant.level.is_not(None)).subquery("schools")
"""Every tenant but the platform's own."""


def state_event(contract: type[E], tenant: Mapping[str, Any]) -> E:
    """TenantCreated or TenantUpdated with the full state of a tenant, given as a row's columns."""
    return contract(
        tenant_id=tenant["id"],
        slug=tenant["slug"],
        name=tenant["name"],
        npsn=tenant["npsn"],
        level=tenant["level"],
        timezone=tenant["timezone"],
        status=tenant["status"],
        features=tuple(tenant["features"]),
        quotas=tenant["quotas"],
    )
