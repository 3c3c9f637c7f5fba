"""What the clock does to failures."""

from sqlalchemy import delete

from libs.db import TenantTransaction
from subgraphs.identity.lockout.model import AccountFailure, SignInFailure
from subgraphs.identity.lockout.rules import FORGOTTEN_AFTER


async def purge_failures(tx: TenantTransaction) -> None:
    """Forgets this tenant's failures that no longer count. An account that a mailed link has to open stays locked."""
    old = SignInFailure.last_failed_at < tx.now - FORGOTTEN_AFTER
    await tx.execute(delete(SignInFailure).where(SignInFailure.tenant_id == tx.tenant_id, old))
    old = (AccountFailure.since < tx.now - FORGOTTEN_AFTER) & AccountFailure.locked_at.is_(None)
    await tx.execute(delete(AccountFailure).where(AccountFailure.tenant_id == tx.tenant_id, old))
