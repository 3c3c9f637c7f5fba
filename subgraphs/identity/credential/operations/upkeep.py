"""What the clock does to tokens."""

from datetime import timedelta

from sqlalchemy import delete

from libs.db import TenantTransaction
from subgraphs.identity.credential.model import OneTimeToken

_KEPT_AFTER_EXPIRY = timedelta(days=30)


async def purge_tokens(tx: TenantTransaction) -> None:
    """Forgets this tenant's one-time tokens a month after they expired."""
    old = OneTimeToken.expires_at < tx.now - _KEPT_AFTER_EXPIRY
    await tx.execute(delete(OneTimeToken).where(OneTimeToken.tenant_id == tx.tenant_id, old))
