"""The platform says what a school may use, and how much of it."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from libs.auth import Actor
from libs.db import TenantTransaction
from libs.events.contracts.identity import TenantUpdated
from subgraphs.identity.audit.queries import Doer, Origin
from subgraphs.identity.tenant.queries import change_school, school_to_change
from subgraphs.identity.tenant.rules import Feature, changed_quotas


async def configure_tenant(
    tx: TenantTransaction,
    *,
    actor: Actor,
    tenant_id: UUID,
    features: Collection[Feature] | None,
    quotas: Mapping[str, int | None],
    expected_version: int,
    origin: Origin,
) -> UUID:
    """Switches features of a school and changes its quotas (None: no limit); answers its id.

    What is not said stays: features that are None, quotas that are not named.

    A quota below what the school has takes nothing away: nothing is added until there is room. Runs in the platform's
    tenant. Raises NotFound and Conflict.
    """
    school = await school_to_change(tx, tenant_id, expected_version=expected_version)
    changes: dict[str, Any] = {"quotas": changed_quotas(school.quotas, quotas)}
    if features is not None:
        changes["features"] = [each.value for each in Feature if each in features]
    doer = Doer.of(actor, origin)
    await change_school(tx, school, changes, contract=TenantUpdated, action="tenant.configured", doer=doer)
    return school.id
