"""Closing a school, and opening it again."""

from uuid import UUID

from libs.auth import Actor
from libs.db import TenantTransaction
from libs.events.contracts.identity import TenantResumed, TenantSuspended
from subgraphs.identity.audit.queries import Doer, Origin
from subgraphs.identity.tenant.queries import change_school, school_to_change
from subgraphs.identity.tenant.rules import TenantStatus


async def suspend_tenant(tx: TenantTransaction, *, actor: Actor, tenant_id: UUID, reason: str, origin: Origin) -> UUID:
    """Nobody of the school gets anything any more, everywhere within five seconds; answers its id.

    Its living tokens, refresh tokens, links of mails and clients are refused; its mails and its long work wait. What is
    suspended stays so, and is not told again. Runs in the platform's tenant, which itself is no school. Raises
    NotFound.
    """
    school = await school_to_change(tx, tenant_id)
    changes = {"status": TenantStatus.SUSPENDED.value}
    doer = Doer.of(actor, origin)
    await change_school(
        tx, school, changes, contract=TenantSuspended, action="tenant.suspended", doer=doer, reason=reason
    )
    return school.id


async def resume_tenant(tx: TenantTransaction, *, actor: Actor, tenant_id: UUID, reason: str, origin: Origin) -> UUID:
    """The school may be worked in again, everywhere within five seconds; what waited goes on. Answers its id.

    An open school stays so, and is not told again. Runs in the platform's tenant. Raises NotFound.
    """
    school = await school_to_change(tx, tenant_id)
    changes = {"status": TenantStatus.ACTIVE.value}
    doer = Doer.of(actor, origin)
    await change_school(tx, school, changes, contract=TenantResumed, action="tenant.resumed", doer=doer, reason=reason)
    return school.id
