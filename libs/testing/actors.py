"""Actors of every role with tokens that verify, signed by keys made for the run."""

import base64
import json
import os
from uuid import UUID

from joserfc.jwk import ECKey
from pydantic import SecretStr

from libs.auth import Actor, permissions_of
from libs.kernel import PLATFORM_TENANT_ID, new_id


def _random_key() -> SecretStr:
    return SecretStr(base64.b64encode(os.urandom(32)).decode())


class TestKeys:
    """The secrets of a run, as settings take them."""

    __test__ = False

    def __init__(self) -> None:
        key = ECKey.generate_key("P-256", {"kid": "test", "use": "sig", "alg": "ES256"}, private=True)
        self.token_signing_keys = SecretStr(json.dumps({"keys": [key.as_dict(private=True)]}))
        self.key_encryption_keys = {"1": _random_key()}
        self.blind_index_key = _random_key()
        self.password_pepper = _random_key()


def actor_of(
    role: str,
    tenant_id: UUID,
    *,
    user_id: UUID | None = None,
    student_ids: tuple[UUID, ...] = (),
    acting_on: UUID | None = None,
) -> Actor:
    """Someone who holds one system role in a tenant; `super_admin` lives on the platform whatever the tenant."""
    home = PLATFORM_TENANT_ID if role == "super_admin" else tenant_id
    return Actor(
        user_id=user_id or new_id(),
        tenant_id=acting_on or (tenant_id if role != "super_admin" else PLATFORM_TENANT_ID),
        home_tenant_id=home,
        roles=(role,),
        permissions=permissions_of((role,)),
        student_ids=student_ids,
        session_id=new_id(),
        version=1,
        email=f"{role}@example.test",
    )
