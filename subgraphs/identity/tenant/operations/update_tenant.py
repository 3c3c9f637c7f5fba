"""A school changes its own entry in the register."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from libs.auth import Actor
from libs.db import TenantTransaction
from libs.events.contracts.identity import TenantUpdated
from libs.kernel import InvalidInput
from subgraphs.identity.audit.queries import Doer, Origin
from subgraphs.identity.tenant.queries import change_school, school_to_change
from subgraphs.identity.tenant.rules import check_entry, fault


async def update_tenant(
    tx: TenantTransaction,
    *,
    actor: Actor,
    changes: Mapping[str, Any],
    expected_version: int,
    origin: Origin,
) -> UUID:
    """Changes name, npsn, timezone and registration_role of the school that the actor works in; answers its id.

    What `changes` does not name stays; without a difference nothing is told. Runs in the platform's tenant, since no
    school writes the register. Raises NotFound for somebody who is on the platform itself, Conflict, and InvalidInput,
    also when another school has the NPSN.
    """
    school = await school_to_change(tx, actor.tenant_id, expected_version=expected_version)
    entry = {name: changes.get(name, getattr(school, name)) for name in ("name", "npsn", "timezone")}
    if faults := list(check_entry(**entry)):
        raise InvalidInput(faults)
    async with tx.rejecting({"uq_tenants_npsn": lambda: InvalidInput([fault("input.npsn", "TAKEN")])}):
        doer = Doer.of(actor, origin)
        await change_school(tx, school, changes, contract=TenantUpdated, action="tenant.updated", doer=doer)
    return school.id
