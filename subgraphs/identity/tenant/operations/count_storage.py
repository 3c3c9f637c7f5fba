"""Keeping what the subgraphs that hold files say of them, identity itself among them."""

from libs.db import TenantTransaction
from libs.events import EventMeta, StorageCounted, keep_storage
from subgraphs.identity.tenant.model import CountedStorage


async def count_storage(tx: TenantTransaction, event: StorageCounted, meta: EventMeta) -> None:
    """What a domain keeps for the school; what is older than the last it said does nothing."""
    await keep_storage(tx, CountedStorage, event, meta)
