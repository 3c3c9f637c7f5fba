"""An integrator's side of OAuth: forms, Basic headers, signed assertions."""

import base64
import json
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from libs.kernel import new_id
from subgraphs.identity.api_client.http import ENDPOINT

FORM = "application/x-www-form-urlencoded"
AUDIENCE = f"http://127.0.0.1:4000{ENDPOINT}"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHM = {"EC": "ES256", "RSA": "RS256"}


def ec_key(kid: str = "first") -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


def rsa_key(kid: str = "first", bits: int = 2048) -> RSAKey:
    return RSAKey.generate_key(bits, {"kid": kid})


def jwks_of(*keys: Any, private: bool = False) -> str:
    return json.dumps({"keys": [key.as_dict(private=private) for key in keys]})


@dataclass(frozen=True)
class Integrator:
    """One client with what it proves itself by."""

    id: UUID
    client_id: str
    secret: str | None = None
    key: Any = None

    def basic(self, secret: str | None = None) -> dict[str, str]:
        """The header of client_secret_basic."""
        pair = f"{self.client_id}:{secret or self.secret}"
        return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def posted(self, **changes: Any) -> dict[str, Any]:
        """The form of client_secret_post."""
        form = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.secret}
        return {name: value for name, value in (form | changes).items() if value is not None}

    def assertion(self, *, key: Any = None, header: Any = None, drop: tuple[str, ...] = (), **changes: Any) -> str:
        """A signed assertion that holds, but for the changes."""
        now, key = int(time.time()), key or self.key
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": AUDIENCE, "exp": now + 120}
        claims = claims | {"iat": now, "jti": str(new_id())} | changes
        heading = {"alg": ALGORITHM[key.key_type], "kid": key.kid} | (header or {})
        kept = {name: value for name, value in claims.items() if name not in drop}
        return jwt.encode(heading, kept, key, algorithms=[heading["alg"]])

    def asserted(self, assertion: str | None = None, **changes: Any) -> dict[str, Any]:
        """The form of private_key_jwt."""
        form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION}
        form |= {"client_assertion": assertion or self.assertion()} | changes
        return {name: value for name, value in form.items() if value is not None}


async def ask(http: httpx.AsyncClient, form: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    """Sends a form to the token endpoint; text is sent as it is."""
    body = {"content": form} if isinstance(form, str | bytes) else {"data": form}
    kind = {"content-type": FORM} if isinstance(form, str | bytes) else {}
    return await http.post(ENDPOINT, headers=kind | (headers or {}), **body)


def assert_refused(answer: httpx.Response, error: str, status: int = 400) -> None:
    """An error of RFC 6749, section 5.2, and nothing besides."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.json().keys() <= {"error", "error_description"}
    assert answer.json()["error_description"].isascii()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert ("www-authenticate" in answer.headers) == (status == 401)
