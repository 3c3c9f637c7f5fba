"""Integrators' clients: how they are named, what they prove themselves with, and what is no proof."""

import base64
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final
from uuid import UUID

from libs.kernel import DomainError, FieldFault, InvalidInput

SECRET_BYTES: Final = 32
MOST_KEYS: Final = 5
LONGEST_ASSERTION_LIFE: Final = timedelta(minutes=5)
CLOCK_SKEW: Final = timedelta(seconds=30)
"""Between an integrator's clock and ours."""

FORGOTTEN_AFTER: Final = timedelta(hours=24)
_MOST_FAILURES: Final = 20
_REFUSED_FOR: Final = timedelta(minutes=15)

_ID_BYTES: Final = 16
_COORDINATE_BYTES: Final = 32
_RSA_BITS: Final = range(2048, 4097)  # less is broken, more keeps us busy
_RSA_EXPONENTS: Final = range(65537, 2**32)
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PUBLIC_MEMBERS: Final = {"EC": ("kty", "kid", "crv", "x", "y"), "RSA": ("kty", "kid", "n", "e")}
ALGORITHMS: Final = {"EC": ("ES256",), "RSA": ("RS256", "PS256")}
"""What assertions may be signed with, by type of key."""
_LONGEST_KID: Final = 100
_TEXTS: Final = {
    "REQUIRED": {"id": "Wajib diisi.", "en": "Must not be empty."},
    "UNKNOWN_SCOPE": {"id": "Izin ini tidak dapat diberikan.", "en": "This permission cannot be given."},
    "REPEATED": {"id": "Disebut lebih dari sekali.", "en": "Named more than once."},
    "NOT_A_KEY_SET": {"id": "Bukan himpunan kunci JWK.", "en": "Not a JWK set."},
    "TOO_MANY_KEYS": {"id": f"Paling banyak {MOST_KEYS} kunci.", "en": f"At most {MOST_KEYS} keys."},
    "PRIVATE_KEY": {"id": "Jangan kirim kunci pribadi.", "en": "Never send a private key."},
    "UNSUITABLE_KEY": {
        "id": "Kunci harus EC P-256 atau RSA 2048-4096 bit untuk tanda tangan, dengan kid.",
        "en": "A key must be EC P-256 or RSA of 2048 to 4096 bits for signatures, with a kid.",
    },
    "NOT_FOR_THIS_METHOD": {"id": "Tidak berlaku untuk cara ini.", "en": "Does not go with this method."},
}


class ClientMethod(StrEnum):
    """How a client proves that it is itself."""

    CLIENT_SECRET = "CLIENT_SECRET"  # noqa: S105 - the name of a method
    PRIVATE_KEY_JWT = "PRIVATE_KEY_JWT"


class ApiClientNameTaken(DomainError):
    """A client of this school is called so, or was."""

    code = "API_CLIENT_NAME_TAKEN"
    texts: ClassVar = {"id": "Nama ini sudah dipakai integrator lain.", "en": "Another integrator has this name."}


class ApiClientRevoked(DomainError):
    """The client's access was taken away, for good."""

    code = "API_CLIENT_REVOKED"
    texts: ClassVar = {
        "id": "Akses integrator ini sudah dicabut.",
        "en": "The access of this integrator has been taken away.",
    }


class RotationUnderWay(DomainError):
    """The secret before the last one goes on until then. Data: `former_secret_valid_until`."""

    code = "ROTATION_UNDER_WAY"
    texts: ClassVar = {
        "id": "Rahasia sebelumnya masih berlaku; tunggu, atau akhiri sekarang dengan masa tumpang 0 jam.",
        "en": "The former secret still goes on; wait, or end it now with an overlap of 0 hours.",
    }


def client_identifier(tenant_id: UUID, client_id: UUID) -> str:
    """The `client_id` of OAuth: it says where the client belongs, since row security shows no row without a tenant.

    43 characters that need no escaping in a form, a header or an address.
    """
    return base64.urlsafe_b64encode(tenant_id.bytes + client_id.bytes).rstrip(b"=").decode()


def read_client_identifier(text: str) -> tuple[UUID, UUID] | None:
    """Tenant and client of an identifier; None for what is none."""
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=")
    except ValueError:
        return None
    if len(raw) != 2 * _ID_BYTES:
        return None
    tenant_id, client_id = UUID(bytes=raw[:_ID_BYTES]), UUID(bytes=raw[_ID_BYTES:])
    return (tenant_id, client_id) if client_identifier(tenant_id, client_id) == text else None


def encode_secret(secret: bytes) -> str:
    """A client's secret as it is told, once."""
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def hashed(text: str) -> bytes:
    """What is kept of a secret of 32 random bytes, and of an assertion's id: neither needs a slow hash."""
    return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed proofs of one client from one address, in a row."""

    count: int
    last_failed_at: datetime
    locked_until: datetime | None = None


def after_failure(before: Failures | None, now: datetime) -> Failures:
    """One failure more: the twentieth in a row is followed by a quarter of an hour in which nothing is heard."""
    if before is None or now - before.last_failed_at > FORGOTTEN_AFTER:
        before = Failures(0, now)
    if before.count + 1 < _MOST_FAILURES:
        return Failures(before.count + 1, now, before.locked_until)
    return Failures(0, now, now + _REFUSED_FOR)


def scope_faults(scopes: Sequence[str], grantable: Collection[str]) -> Iterator[FieldFault]:
    """What is wrong with the scopes that a client is to have: at least one, each of those that clients may have."""
    if not scopes:
        yield _fault("input.scopes", "REQUIRED")
    before: set[str] = set()
    for position, scope in enumerate(scopes):
        path = f"input.scopes[{position}]"
        if scope not in grantable:
            yield _fault(path, "UNKNOWN_SCOPE")
        elif scope in before:
            yield _fault(path, "REPEATED")
        before.add(scope)


def key_faults(method: ClientMethod, jwks: str | None) -> Iterator[FieldFault]:
    """What is wrong with the keys that come with a method."""
    if method is ClientMethod.CLIENT_SECRET:
        if jwks is not None:
            yield _fault("input.jwks", "NOT_FOR_THIS_METHOD")
    elif jwks is None:
        yield _fault("input.jwks", "REQUIRED")
    else:
        yield from (_fault("input.jwks", code) for code in dict.fromkeys(_key_set_faults(_parsed(jwks))))


def unsuitable_key() -> InvalidInput:
    """The refusal of a key that looks right and is none: its point lies on no curve."""
    return InvalidInput([_fault("input.jwks", "UNSUITABLE_KEY")])


def public_key_set(jwks: str) -> dict[str, list[dict[str, str]]]:
    """The JWK set to keep, of one without faults: nothing but what verifies a signature."""
    return {"keys": [{name: key[name] for name in _PUBLIC_MEMBERS[key["kty"]]} for key in _parsed(jwks)["keys"]]}


def _parsed(jwks: str) -> Any:
    try:
        return json.loads(jwks)
    except (ValueError, RecursionError):
        return None


def _key_set_faults(document: Any) -> Iterator[str]:
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        yield "NOT_A_KEY_SET"
        return
    if len(keys) > MOST_KEYS:
        yield "TOO_MANY_KEYS"
    if any(_PRIVATE_MEMBERS & key.keys() for key in keys):
        yield "PRIVATE_KEY"
    if not all(_is_suitable(key) for key in keys):
        yield "UNSUITABLE_KEY"
    named = [key["kid"] for key in keys if isinstance(key.get("kid"), str)]
    if len(set(named)) < len(named):
        yield "REPEATED"


def _is_suitable(key: Mapping[str, Any]) -> bool:
    kind, kid = key.get("kty"), key.get("kid")
    if kind not in ("EC", "RSA") or not isinstance(kid, str) or not 0 < len(kid) <= _LONGEST_KID or not kid.isascii():
        return False
    if key.get("use", "sig") != "sig" or key.get("alg", ALGORITHMS[kind][0]) not in ALGORITHMS[kind]:
        return False
    if key.get("key_ops", ["verify"]) != ["verify"]:
        return False
    if kind == "EC":
        coordinates = (_octets(key.get("x")), _octets(key.get("y")))
        return key.get("crv") == "P-256" and all(len(each) == _COORDINATE_BYTES for each in coordinates)
    modulus, exponent = (int.from_bytes(_octets(key.get(name))) for name in ("n", "e"))
    is_odd = modulus % 2 == 1 and exponent % 2 == 1
    return modulus.bit_length() in _RSA_BITS and exponent in _RSA_EXPONENTS and is_odd


def _octets(text: Any) -> bytes:
    """The bytes of base64url without padding; none for what is not."""
    if not isinstance(text, str) or not text.isascii():
        return b""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
    return raw if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == text else b""


def _fault(path: str, code: str) -> FieldFault:
    return FieldFault(path, code, _TEXTS[code])
