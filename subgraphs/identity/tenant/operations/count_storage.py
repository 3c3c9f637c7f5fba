"""Keeping what the subgraphs that hold files say of them."""

from libs.db import TenantTransaction
from libs.events import EventMeta, upsert_if_newer
from libs.events.contracts.academic import AcademicStorageCounted
from libs.events.contracts.identity import IdentityStorageCounted
from libs.events.contracts.operations import OperationsStorageCounted
from subgraphs.identity.tenant.model import CountedStorage

StorageCounted = AcademicStorageCounted | IdentityStorageCounted | OperationsStorageCounted


async def count_storage(tx: TenantTransaction, event: StorageCounted, meta: EventMeta) -> None:
    """What a domain keeps for the school; what is older than the last it said does nothing."""
    values = {"domain": event.domain, "kept_bytes": event.kept_bytes}
    await tx.execute(upsert_if_newer(CountedStorage, values, sequence=meta.sequence, keys=("tenant_id", "domain")))
