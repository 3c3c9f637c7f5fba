"""Access tokens: JWT, ES256, `typ: at+jwt` (RFC 9068). identity issues them; every process verifies them itself."""

import asyncio
import base64
import json
import urllib.request
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, KeySetSerialization

from libs.auth.actor import Actor
from libs.auth.errors import TenantMismatch, TokenExpired, Unauthenticated, Unavailable
from libs.kernel import new_id
from libs.settings import Settings, SettingsError

_ALGORITHM: Final = "ES256"
_TYPE: Final = "at+jwt"
_LONGEST_TOKEN: Final = 16 * 1024  # characters; ours have about 1,500
_LONGEST_KEY_SET: Final = 64 * 1024  # bytes
_CACHED_TOKENS: Final = 4096
_CLOCK_SKEW: Final = timedelta(seconds=30)  # between identity's clock and ours, for `iat` alone
_REFETCH_AFTER: Final = timedelta(seconds=10)  # for an unknown kid, so that invented ones cost identity nothing
_RETRY_AFTER: Final = timedelta(seconds=1)  # while no key is known at all, e.g. when identity starts after us
_KEYS_STALE_AFTER: Final = timedelta(minutes=5)  # a key withdrawn by identity stops counting here within that time

Fetch = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says: the actor at home, the token's own id and its end."""

    actor: Actor
    token_id: UUID
    expires_at: datetime


def resolve_actor(claims: Claims, tenant_header: UUID | None) -> Actor:
    """The actor for the school that `X-Tenant-Id` names; without the header, for the token's own tenant.

    Raises TenantMismatch when a school's account names another tenant than its own.
    """
    actor = claims.actor
    if tenant_header is None or tenant_header == actor.home_tenant_id:
        return actor
    if not actor.is_platform:
        raise TenantMismatch("the header names another tenant than the token")
    return replace(actor, tenant_id=tenant_header)


class TokenIssuer:
    """Signs access tokens with the first key of the set. Raises SettingsError when the set is not one of ES256 keys."""

    def __init__(self, settings: Settings) -> None:
        self._issuer = settings.token_issuer
        self._audience = settings.token_audience
        self._life = timedelta(seconds=settings.access_token_seconds)
        self._keys = _private_keys(settings.token_signing_keys.get_secret_value())

    def issue(self, actor: Actor, now: datetime) -> str:
        """A token for this actor at home, valid from `now` for `access_token_seconds`."""
        key = self._keys.keys[0]
        claims = {
            "sub": str(actor.user_id),
            "tenant_id": str(actor.home_tenant_id),
            "email": actor.email,
            "roles": list(actor.roles),
            "permissions": sorted(actor.permissions),
            "students": [str(student) for student in actor.student_ids],
            "sid": str(actor.session_id),
            "ver": actor.version,
            "pending": sorted(actor.pending),
            "jti": str(new_id()),
            "iss": self._issuer,
            "aud": self._audience,
            "iat": int(now.timestamp()),
            "exp": int((now + self._life).timestamp()),
        }
        if actor.client_id is not None:
            claims["client_id"] = actor.client_id
        header = {"alg": _ALGORITHM, "typ": _TYPE, "kid": key.kid}
        return jwt.encode(header, claims, key, algorithms=[_ALGORITHM])

    def jwks(self) -> KeySetSerialization:
        """The public halves, as `/.well-known/jwks.json` shows them."""
        return self._keys.as_dict(private=False, use="sig", alg=_ALGORITHM)


class TokenVerifier:
    """Verifies access tokens; remembers the keys of identity and the tokens it has already verified.

    `fetch` returns the JWK set as JSON bytes; by default it is read over HTTP from `jwks_url`.
    """

    def __init__(self, settings: Settings, fetch: Fetch | None = None) -> None:
        self._issuer = settings.token_issuer
        self._audience = settings.token_audience
        self._keys = _RemoteKeys(fetch or _over_http(settings.jwks_url))
        self._verified: OrderedDict[str, tuple[str, Claims]] = OrderedDict()  # with the kid of the key

    async def verify(self, token: str, now: datetime) -> Claims:
        """The claims of a token that holds.

        Raises Unauthenticated for one that proves nothing, TokenExpired for one of ours whose time is over, and
        Unavailable while identity's keys cannot be had.
        """
        if token in self._verified:
            kid, claims = self._verified[token]
            await self._keys.get(kid, now)  # a token outlives its key in no cache
            self._verified.move_to_end(token)
        else:
            kid, claims = await self._verify_signature(token, now)
            self._verified[token] = kid, claims
            if len(self._verified) > _CACHED_TOKENS:
                self._verified.popitem(last=False)
        if claims.expires_at <= now:
            self._verified.pop(token, None)
            raise TokenExpired("the token's time is over")
        return claims

    async def _verify_signature(self, token: str, now: datetime) -> tuple[str, Claims]:
        """The kid of the key that the token is signed with, and its claims."""
        if len(token) > _LONGEST_TOKEN:
            raise Unauthenticated("the token is absurdly long")
        kid = _key_id(token)
        key = await self._keys.get(kid, now)
        try:
            payload = jwt.decode(token, key, algorithms=[_ALGORITHM]).claims
            return kid, self._read(payload, now)
        except (JoseError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise Unauthenticated("the token does not hold") from error

    def _read(self, payload: dict[str, Any], now: datetime) -> Claims:
        """Claims in their types. Raises ValueError, TypeError, KeyError or OverflowError for any that is not right."""
        if payload["iss"] != self._issuer or payload["aud"] != self._audience:
            raise ValueError("issued by or for somebody else")
        issued, expires = _moment(payload["iat"]), _moment(payload["exp"])
        if issued > now + _CLOCK_SKEW:
            raise ValueError("issued in the future")
        tenant_id = _uuid(payload["tenant_id"])
        actor = Actor(
            user_id=_uuid(payload["sub"]),
            tenant_id=tenant_id,
            home_tenant_id=tenant_id,
            roles=_texts(payload["roles"]),
            permissions=frozenset(_texts(payload["permissions"])),
            student_ids=tuple(map(_uuid, _texts(payload["students"]))),
            session_id=_uuid(payload["sid"]),
            version=_integer(payload["ver"]),
            email=_text(payload["email"]),
            pending=frozenset(_texts(payload["pending"])),
            client_id=_name(payload["client_id"]) if "client_id" in payload else None,
        )
        return Claims(actor, token_id=_uuid(payload["jti"]), expires_at=expires)


class _RemoteKeys:
    """identity's public keys by kid, fetched when one is unknown or the set is old, one fetch at a time."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._keys: dict[str, ECKey] = {}
        self._tried_at: datetime | None = None
        self._fetched_at: datetime | None = None
        self._fetching = asyncio.Lock()

    async def get(self, kid: str, now: datetime) -> ECKey:
        """The key. Raises Unauthenticated when identity does not know it, Unavailable when identity has not told us."""
        is_known = kid in self._keys
        if not is_known or (self._is_stale(now) and not self._fetching.locked()):  # one waits, the others go on
            async with self._fetching:
                if (kid not in self._keys or self._is_stale(now)) and self._may_try(now):
                    await self._refetch(now)
        if not self._keys:
            raise Unavailable("identity's keys cannot be read")
        if kid not in self._keys:
            raise Unauthenticated("signed with an unknown key")
        return self._keys[kid]

    def _is_stale(self, now: datetime) -> bool:
        return self._fetched_at is None or now - self._fetched_at >= _KEYS_STALE_AFTER

    def _may_try(self, now: datetime) -> bool:
        pause = _REFETCH_AFTER if self._keys else _RETRY_AFTER
        return self._tried_at is None or now - self._tried_at >= pause

    async def _refetch(self, now: datetime) -> None:
        self._tried_at = now
        try:
            keys = _public_keys(await self._fetch())
        except (OSError, ValueError, KeyError, TypeError, JoseError):
            return  # identity is away or answers nonsense: the keys we have go on, and the next try is soon
        self._keys = keys
        self._fetched_at = now


def _public_keys(document: bytes) -> dict[str, ECKey]:
    """The P-256 keys of a JWK set by kid; those of other kinds are not for us."""
    found = [key for key in orjson.loads(document)["keys"] if isinstance(key, dict)]
    return {key["kid"]: ECKey.import_key(key) for key in found if key.get("kty") == "EC" and key.get("crv") == "P-256"}


def _private_keys(document: str) -> KeySet:
    name = "WIYATA_TOKEN_SIGNING_KEYS"
    try:
        keys = KeySet.import_key_set(json.loads(document))
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{name}: must be a JWK set of private ES256 keys") from error
    for key in keys:
        if not isinstance(key, ECKey) or key.curve_name != "P-256" or not key.is_private:
            raise SettingsError(f"{name}: every key must be a private one of curve P-256")
    return keys


def _over_http(url: str) -> Fetch:
    def read() -> bytes:
        # The address is the operator's setting, never a client's.
        with urllib.request.urlopen(url, timeout=3) as response:  # noqa: S310 # nosec B310
            body: bytes = response.read(_LONGEST_KEY_SET)
            return body

    return lambda: asyncio.to_thread(read)


def _key_id(token: str) -> str:
    """The kid of a header that is exactly ours: whoever may add members (jwk, jku, crit, b64) may confuse a verifier.

    Raises Unauthenticated for any other header.
    """
    encoded = token.partition(".")[0]
    try:
        header = orjson.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except ValueError as error:
        raise Unauthenticated("not a token") from error
    if not isinstance(header, dict) or header.keys() != {"alg", "typ", "kid"}:
        raise Unauthenticated("not a token of ours")
    kid = header["kid"]
    if header["alg"] != _ALGORITHM or header["typ"] != _TYPE or not isinstance(kid, str):
        raise Unauthenticated("not a token of ours")
    return kid


def _integer(value: Any) -> int:
    if type(value) is not int:  # bool is an int to isinstance
        raise TypeError("not an integer")
    return value


def _moment(value: Any) -> datetime:
    return datetime.fromtimestamp(_integer(value), UTC)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _name(value: Any) -> str:
    """Not empty: whatever asks whether a client is named must not be told no by one without a name."""
    if not _text(value):
        raise ValueError("an empty name")
    return _text(value)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return tuple(map(_text, value))


def _uuid(value: Any) -> UUID:
    return UUID(_text(value))
