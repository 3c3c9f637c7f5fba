"""One signed-in teacher, a moment, and keys made for the run."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from libs.auth import Actor, TokenIssuer, TokenVerifier, permissions_of
from libs.kernel import new_id
from libs.settings import Settings

NOW = datetime(2026, 7, 13, 7, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def make_actor() -> Callable[..., Actor]:
    def make(role: str = "teacher", **changes: Any) -> Actor:
        tenant_id = changes.get("home_tenant_id") or new_id()
        actor = Actor(
            user_id=new_id(),
            tenant_id=tenant_id,
            home_tenant_id=tenant_id,
            roles=(role,),
            permissions=permissions_of([role]),
            student_ids=(),
            session_id=new_id(),
            version=3,
            email="sari@gp.test",
        )
        return replace(actor, **changes)

    return make


@pytest.fixture
def signing_key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": "first"})


@pytest.fixture
def settings(signing_key: ECKey) -> Settings:
    keys = KeySet([signing_key, ECKey.generate_key("P-256", {"kid": "next"})])
    return Settings(token_signing_keys=json.dumps(keys.as_dict(private=True)))


class Identity:
    """Hands out the key set as identity does, and counts how often it is asked."""

    def __init__(self, keys) -> None:
        self.document = keys
        self.asked = 0
        self.away = False

    async def __call__(self) -> bytes:
        self.asked += 1
        if self.away:
            raise OSError("connection refused")
        return json.dumps(self.document).encode()


@pytest.fixture
def issuer(settings):
    return TokenIssuer(settings)


@pytest.fixture
def identity(issuer):
    return Identity(issuer.jwks())


@pytest.fixture
def verifier(settings, identity):
    return TokenVerifier(settings, identity)


@pytest.fixture
def sign(settings, signing_key, now):
    """Signs any claims and header with identity's own key, starting from ones that hold."""
    body = {
        "sub": str(new_id()),
        "tenant_id": str(new_id()),
        "email": "sari@gp.test",
        "roles": ["teacher"],
        "permissions": ["user:read"],
        "students": [],
        "sid": str(new_id()),
        "ver": 3,
        "pending": [],
        "jti": str(new_id()),
        "iss": settings.token_issuer,
        "aud": settings.token_audience,
        "iat": int(now.timestamp()),
        "exp": int(now.timestamp()) + 900,
    }

    def make(*, key=signing_key, header=None, drop=(), **changes) -> str:
        claims = {name: value for name, value in {**body, **changes}.items() if name not in drop}
        heading = {"alg": "ES256", "typ": "at+jwt", "kid": "first", **(header or {})}
        return jwt.encode(heading, claims, key, algorithms=[heading["alg"]])

    return make
