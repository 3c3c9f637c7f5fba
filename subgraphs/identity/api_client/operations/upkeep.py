"""What the clock does to assertions."""

from sqlalchemy import delete

from libs.db import TenantTransaction
from subgraphs.identity.api_client.model import SpentAssertion


async def purge_assertions(tx: TenantTransaction) -> None:
    """Forgets this tenant's spent assertions whose time is over: they would be refused for that alone."""
    over = SpentAssertion.expires_at < tx.now
    await tx.execute(delete(SpentAssertion).where(SpentAssertion.tenant_id == tx.tenant_id, over))
