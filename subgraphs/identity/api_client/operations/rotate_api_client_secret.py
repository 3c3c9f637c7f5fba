"""Giving an integrator a new secret, or taking its new keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from libs.auth import Actor, Revocations
from libs.db import TenantTransaction
from libs.events.contracts.identity import ApiClientSecretRotated
from libs.kernel import InvalidInput
from subgraphs.identity.api_client.model import ApiClient
from subgraphs.identity.api_client.queries import end_tokens, kept_keys, new_secret
from subgraphs.identity.api_client.rules import (
    ApiClientRevoked,
    ClientMethod,
    RotationUnderWay,
    client_identifier,
    hashed,
    key_faults,
)
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.role.rules import check_grant


@dataclass(frozen=True, slots=True)
class Rotated:
    """The new secret, None for a client with keys, and until when the former one goes on, if it does."""

    identifier: str
    secret: str | None
    former_valid_until: datetime | None


async def rotate_api_client_secret(
    tx: TenantTransaction,
    *,
    actor: Actor,
    api_client_id: UUID,
    overlap: timedelta,
    jwks: str | None,
    origin: Origin,
    revocations: Revocations,
) -> Rotated:
    """Replaces a secret, the former one going on for `overlap`, or the keys, at once: a set names old ones that go on.

    Without an overlap, which is for what has leaked, the client's tokens are void too. Whoever is told the secret could
    act by it, hence Forbidden for scopes that the actor does not hold. Raises NotFound, ApiClientRevoked, InvalidInput,
    and RotationUnderWay while a former secret goes on: of two rotations at once, one wins.
    """
    client = await tx.get(ApiClient, api_client_id, lock=True)
    if client.revoked_at is not None:
        raise ApiClientRevoked
    check_grant(actor.permissions, client.scopes)
    if faults := [*key_faults(ClientMethod(client.method), jwks)]:
        raise InvalidInput(faults)
    if jwks is None:
        secret = _replace_secret(client, overlap, tx.now)
    else:
        secret, client.keys = None, kept_keys(jwks)
    await tx.flush()
    if not overlap:
        await end_tokens(tx, client, revocations)
    until = client.former_valid_until
    tx.emit(ApiClientSecretRotated(api_client_id=client.id, name=client.name, former_valid_until=until))
    values = {"name": client.name, "former_valid_until": until and until.isoformat()}
    deed = Deed(action="api_client.rotated", resource_type="api_client", resource_id=client.id, new_values=values)
    await record(tx, Doer.of(actor, origin), deed)
    return Rotated(client_identifier(tx.tenant_id, client.id), secret, until)


def _replace_secret(client: ApiClient, overlap: timedelta, now: datetime) -> str:
    goes_on = client.former_valid_until is not None and client.former_valid_until > now
    if goes_on and overlap:
        raise RotationUnderWay(former_secret_valid_until=client.former_valid_until)
    client.former_secret_hash, client.former_valid_until = None, None
    if overlap:
        client.former_secret_hash, client.former_valid_until = client.secret_hash, now + overlap
    secret = new_secret()
    client.secret_hash = hashed(secret)
    return secret
