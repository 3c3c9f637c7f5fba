"""Taking an integrator's access away."""

from uuid import UUID

from libs.auth import Actor, Revocations
from libs.db import TenantTransaction
from libs.events.contracts.identity import ApiClientRevoked
from subgraphs.identity.api_client.model import ApiClient
from subgraphs.identity.api_client.queries import end_tokens
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record


async def revoke_api_client(
    tx: TenantTransaction, *, actor: Actor, api_client_id: UUID, origin: Origin, revocations: Revocations
) -> None:
    """Ends a client for good; its tokens are void everywhere within seconds. Ending it twice is the same.

    Raises NotFound.
    """
    client = await tx.get(ApiClient, api_client_id, lock=True)
    if client.revoked_at is not None:
        return
    client.revoked_at = tx.now
    await end_tokens(tx, client, revocations)
    tx.emit(ApiClientRevoked(api_client_id=client.id, name=client.name, ver=client.ver))
    deed = Deed(action="api_client.revoked", resource_type="api_client", resource_id=client.id)
    await record(tx, Doer.of(actor, origin), deed)
