"""What the operations on clients share: keys that are kept, secrets that are made, tokens that end."""

import secrets
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import insert

from libs.auth import Revocations
from libs.db import TenantTransaction
from subgraphs.identity.api_client.model import ApiClient
from subgraphs.identity.api_client.rules import SECRET_BYTES, encode_secret, public_key_set, unsuitable_key
from subgraphs.identity.session.model import Revocation
from subgraphs.identity.user.queries import publish


def new_secret() -> str:
    """A secret to tell, once."""
    return encode_secret(secrets.token_bytes(SECRET_BYTES))


def kept_keys(jwks: str) -> dict[str, Any]:
    """The public keys of a JWK set that the rules found nothing wrong with.

    Raises InvalidInput for a point that lies on no curve, which takes the library to see.
    """
    kept = public_key_set(jwks)
    try:
        for key in KeySet.import_key_set(kept):  # type: ignore[arg-type] # a JWK set as JSON has it
            key.raw_value  # noqa: B018 - made when it is asked for, which is when the library looks at it
    except (JoseError, ValueError) as error:
        raise unsuitable_key() from error
    return kept


async def end_tokens(tx: TenantTransaction, client: ApiClient, revocations: Revocations) -> None:
    """Makes every token void that the client holds, everywhere within seconds of the commit."""
    client.ver += 1
    await tx.flush()
    row = {"id": tx.new_id(), "tenant_id": tx.tenant_id, "user_id": client.id, "ver": client.ver, "revoked_at": tx.now}
    await tx.execute(insert(Revocation.__table__), [row])
    versions = {client.id: client.ver}
    tx.after_commit.append(lambda: publish(revocations, versions))
