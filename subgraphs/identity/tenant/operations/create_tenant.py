"""Adding one school, and the platform's own tenant."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as insert_or

from libs.auth import Actor
from libs.db import TenantTransaction
from libs.events.contracts.identity import TenantCreated
from libs.jobs import first_run
from libs.kernel import PLATFORM_TENANT_ID, InvalidInput
from subgraphs.identity.audit.queries import NOBODY, Deed, Doer, Origin, record
from subgraphs.identity.model import jobs
from subgraphs.identity.role.queries import system_role
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.queries import state_event
from subgraphs.identity.tenant.rules import (
    PLATFORM_SLUG,
    Feature,
    SchoolLevel,
    TenantStatus,
    check_tenant,
    fault,
    today_in,
)
from subgraphs.identity.user.queries import Contact, Contacts, NewAccount, create_accounts

PURGE = "purge_accounts"
"""The schedule every tenant has."""


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """Who administers a new school first."""

    name: str
    email: str
    phone: str | None


async def create_tenant(
    tx: TenantTransaction,
    *,
    actor: Actor,
    slug: str,
    name: str,
    npsn: str | None,
    level: SchoolLevel,
    timezone: str,
    admin: FirstAdmin | None,
    contacts: Contacts,
    origin: Origin,
) -> UUID:
    """Adds a school and invites its first school_admin into it; answers the school's id.

    Runs in the platform's tenant. Raises InvalidInput, also when another school has the slug or the NPSN.
    """
    if faults := list(check_tenant(slug=slug, name=name, npsn=npsn, timezone=timezone)):
        raise InvalidInput(faults)
    state = tenant_row(tx.new_id(), slug=slug, name=name, npsn=npsn, level=level.value, timezone=timezone)
    taken = {
        "uq_tenants_slug": lambda: InvalidInput([fault("input.slug", "TAKEN")]),
        "uq_tenants_npsn": lambda: InvalidInput([fault("input.npsn", "TAKEN")]),
    }
    async with tx.rejecting(taken):
        await tx.execute(insert(Tenant.__table__), [state])
    await schedule_purges(tx, [state["id"]])
    tx.emit(state_event(TenantCreated, state), tenant_id=state["id"])
    deed = Deed(action="tenant.created", resource_type="tenant", resource_id=state["id"], new_values={"slug": slug})
    await record(tx, Doer.of(actor, origin), deed)
    async with tx.acting_in(state["id"]):
        await record(tx, Doer(actor.user_id, actor.home_tenant_id), deed)
        if admin is not None:
            account = NewAccount(
                id=tx.new_id(),
                name=admin.name,
                contact=Contact(admin.email, admin.phone),
                roles=[system_role("school_admin")],
            )
            since = today_in(timezone, tx.now)
            await create_accounts(tx, [account], contacts=contacts, doer=Doer.of(actor, origin), since=since)
    return state["id"]  # type: ignore[no-any-return]


def tenant_row(tenant_id: UUID, **columns: Any) -> dict[str, Any]:
    """The columns of a new tenant: active, with every feature, without a quota."""
    first = {"id": tenant_id, "status": TenantStatus.ACTIVE.value, "features": [each.value for each in Feature]}
    return {"npsn": None, "level": None, "region": None, "ownership": None, "quotas": {}} | first | columns


async def schedule_purges(tx: TenantTransaction, tenant_ids: Iterable[UUID]) -> None:
    """Gives new tenants their timed work; the platform may write the rows of all."""
    rows = [
        {"tenant_id": tenant_id, "name": PURGE, "next_run_at": first_run(tx.now, tenant_id)} for tenant_id in tenant_ids
    ]
    await tx.execute(insert(jobs.timed_jobs), rows)


async def ensure_platform(tx: TenantTransaction) -> bool:
    """Makes the reserved tenant of the platform if it is not there; says whether it made it.

    It is no school, so no other subgraph is told.
    """
    state = tenant_row(PLATFORM_TENANT_ID, slug=PLATFORM_SLUG, name="Wiyata", timezone="Asia/Jakarta")
    statement = insert_or(Tenant).values(state).on_conflict_do_nothing().returning(Tenant.id)
    if (await tx.execute(statement)).one_or_none() is None:
        return False
    await schedule_purges(tx, [PLATFORM_TENANT_ID])
    await record(tx, NOBODY, Deed(action="tenant.created", resource_type="tenant", resource_id=PLATFORM_TENANT_ID))
    return True
