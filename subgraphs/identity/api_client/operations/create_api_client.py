"""Giving an integrator access."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from libs.auth import CLIENT_SCOPES, Actor
from libs.db import TenantTransaction
from libs.events.contracts.identity import ApiClientCreated
from libs.kernel import PLATFORM_TENANT_ID, Forbidden, InvalidInput
from subgraphs.identity.api_client.model import ApiClient
from subgraphs.identity.api_client.queries import kept_keys, new_secret
from subgraphs.identity.api_client.rules import (
    ApiClientNameTaken,
    ClientMethod,
    client_identifier,
    hashed,
    key_faults,
    scope_faults,
)
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.role.rules import check_grant


@dataclass(frozen=True, slots=True)
class NewApiClient:
    """A client as its integrator is told of it; `secret` is None for one that signs with its own keys."""

    id: UUID
    identifier: str
    secret: str | None


async def create_api_client(
    tx: TenantTransaction,
    *,
    actor: Actor,
    name: str,
    scopes: Sequence[str],
    method: ClientMethod,
    jwks: str | None,
    origin: Origin,
) -> NewApiClient:
    """Makes a client of the school.

    Raises InvalidInput for scopes and keys, ApiClientNameTaken, and Forbidden for scopes that the actor does not hold,
    and on the platform, from where every school can be reached.
    """
    if tx.tenant_id == PLATFORM_TENANT_ID:
        raise Forbidden
    if faults := [*scope_faults(scopes, CLIENT_SCOPES), *key_faults(method, jwks)]:
        raise InvalidInput(faults)
    check_grant(actor.permissions, scopes)
    secret = new_secret() if method is ClientMethod.CLIENT_SECRET else None
    client = ApiClient(
        tenant_id=tx.tenant_id,
        id=tx.new_id(),
        name=name,
        scopes=sorted(scopes),
        method=method.value,
        secret_hash=hashed(secret) if secret else None,
        keys=kept_keys(jwks) if jwks else None,
        created_by=actor.user_id,
        created_at=tx.now,
    )
    async with tx.rejecting({"uq_api_clients_tenant_id_name": ApiClientNameTaken}):
        tx.add(client)
    tx.emit(ApiClientCreated(api_client_id=client.id, name=name, scopes=tuple(client.scopes), method=client.method))
    values = {"name": name, "scopes": client.scopes, "method": client.method}
    deed = Deed(action="api_client.created", resource_type="api_client", resource_id=client.id, new_values=values)
    await record(tx, Doer.of(actor, origin), deed)
    return NewApiClient(client.id, client_identifier(tx.tenant_id, client.id), secret)
