"""The protocol of /oauth/token: Authlib's server for one request, whose client has been looked up before."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any, Final
from urllib.parse import unquote

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from subgraphs.identity.api_client.rules import ALGORITHMS, CLOCK_SKEW, LONGEST_ASSERTION_LIFE, ClientMethod, hashed

METHODS: Final = ("client_secret_basic", "client_secret_post", "private_key_jwt")
SIGNATURES: Final = tuple(name for names in ALGORITHMS.values() for name in names)
_METHODS_OF: Final = {
    ClientMethod.CLIENT_SECRET: ("client_secret_basic", "client_secret_post"),
    ClientMethod.PRIVATE_KEY_JWT: ("private_key_jwt",),
}
_LONGEST_JTI: Final = 255  # characters
# Of nobody: an unknown client's proof is compared with these, in the time of a known one's.
_NOBODYS_SECRET: Final = hashed("")
_NOBODYS_KEY: Final = ECKey.generate_key("P-256", private=False)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a client sends: the fields of its form, each once, and its Authorization header."""

    form: Mapping[str, str]
    authorization: str | None = None


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What it gets."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def error(self) -> str | None:
        """The code of RFC 6749, section 5.2."""
        return self.body.get("error")


@dataclass(frozen=True, slots=True)
class KnownClient(ClientMixin):  # type: ignore[misc] # Authlib has no types
    """A client as Authlib asks about it. Nobody in particular without hashes and keys: no proof fits."""

    identifier: str
    methods: Sequence[str] = METHODS
    secret_hashes: Sequence[bytes] = (_NOBODYS_SECRET,)
    keys: KeySet | ECKey = field(default_factory=lambda: _NOBODYS_KEY)
    scopes: frozenset[str] = frozenset()
    is_open: bool = False

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether it is the secret, or the former one; every comparison takes the same time."""
        given = hashed(client_secret)
        fits = [compare_digest(given, known) for known in self.secret_hashes]
        return any(fits)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether the client may prove itself like this."""
        return endpoint == "token" and method in self.methods

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether the client may have tokens at all: not in a school that is suspended."""
        return self.is_open and grant_type == ClientCredentialsGrant.GRANT_TYPE


def methods_of(method: ClientMethod) -> Sequence[str]:
    """The names of RFC 7591 for how a client proves itself."""
    return _METHODS_OF[method]


class _FormRequest(OAuth2Request):  # type: ignore[misc] # Authlib has no types
    def __init__(self, uri: str, request: TokenRequest) -> None:
        headers = {} if request.authorization is None else {"Authorization": request.authorization}
        super().__init__("POST", uri, headers=headers)
        self.payload = BasicOAuth2Payload(request.form)

    @property
    def form(self) -> Mapping[str, str]:
        form: Mapping[str, str] = self.payload.data
        return form


class _Grant(ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_requested_scope(self) -> None:
        """Authlib compares with what the server knows; a client has less."""
        wanted = scopes_of(self.request.payload.scope)
        if not wanted <= self.request.client.scopes:
            raise InvalidScopeError


def scopes_of(text: str | None) -> frozenset[str]:
    """The scopes of a request."""
    return frozenset((text or "").split())


class _Assertion(JWTBearerClientAssertion):  # type: ignore[misc]
    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self, server: "TokenServer") -> None:
        super().__init__()
        self._server = server

    def resolve_client_public_key(self, client: KnownClient) -> KeySet | ECKey:
        return client.keys

    def __call__(self, query_client: Any, request: OAuth2Request) -> Any:
        """Authlib catches the errors of joserfc, and not those of what it is built on."""
        try:
            return super().__call__(query_client, request)
        except (JoseError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise InvalidClientError from error

    def process_assertion_claims(self, assertion: str, resolve_key: KeySet | ECKey) -> Any:
        """Authlib allows every algorithm that joserfc recommends, those with shared secrets too."""
        claims = jwt.decode(assertion, resolve_key, algorithms=SIGNATURES).claims
        self.verify_claims(claims)
        return claims

    def verify_claims(self, claims: dict[str, Any]) -> None:
        """As Authlib does, by the clock of the transaction, and never good for longer than five minutes."""
        server, skew = self._server, int(CLOCK_SKEW.total_seconds())
        now, client_id = int(server.now.timestamp()), server.client.identifier
        rules = jwt.JWTClaimsRegistry(
            now=now,
            leeway=skew,
            iss={"essential": True, "value": client_id},
            sub={"essential": True, "value": client_id},
            aud={"essential": True, "values": [*server.audiences]},
            exp={"essential": True},
            jti={"essential": True},
        )
        rules.validate(claims)
        if claims["exp"] > now + LONGEST_ASSERTION_LIFE.total_seconds() + skew or len(claims["jti"]) > _LONGEST_JTI:
            raise InvalidClientError
        server.spent = SpentProof(hashed(claims["jti"]), datetime.fromtimestamp(claims["exp"] + skew + 1, UTC))


@dataclass(frozen=True, slots=True)
class SpentProof:
    """An assertion that has proven its client: the hash of its `jti`, and when its time is over."""

    jti_hash: bytes
    expires_at: datetime


class TokenServer(AuthorizationServer):  # type: ignore[misc] # Authlib has no types
    """Answers one request. `spent` is the assertion that proved the client, `granted` the scopes of its token.

    Nothing here waits for anything: `client` is looked up before, and what became of it is written after.
    """

    def __init__(
        self,
        client: KnownClient,
        now: datetime,
        *,
        endpoint: str,
        issuer: str,
        sign: Callable[[frozenset[str]], Mapping[str, Any]],
    ) -> None:
        super().__init__()
        self.client, self.now = client, now
        self.audiences = (endpoint, issuer)
        self.spent: SpentProof | None = None
        self._endpoint, self._sign = endpoint, sign
        self.register_grant(_Grant)
        self.register_client_auth_method("private_key_jwt", _Assertion(self))
        self.register_token_generator("default", self._token)

    def answer(self, request: TokenRequest) -> TokenAnswer:
        """The token, or one of the errors of RFC 6749, section 5.2."""
        try:
            answer: TokenAnswer = self.create_token_response(_FormRequest(self._endpoint, request))
        except OAuth2Error as error:  # before Authlib listens: a public address without TLS
            return told(error)
        return answer

    def query_client(self, client_id: str) -> KnownClient:
        """The client that was looked up; for any other id nobody, who fails like a known one."""
        return self.client if client_id == self.client.identifier else KnownClient(client_id)

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def handle_response(self, status: int, body: Mapping[str, Any], headers: Sequence[tuple[str, str]]) -> TokenAnswer:
        return TokenAnswer(status, body, dict(headers))

    def handle_error_response(self, request: OAuth2Request, error: OAuth2Error) -> TokenAnswer:  # noqa: ARG002 - Authlib's
        return told(error)

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def save_token(self, token: Mapping[str, Any], request: OAuth2Request) -> None:
        """Nothing is kept of a token."""

    def _token(self, *, client: KnownClient, scope: str | None, **_: Any) -> Mapping[str, Any]:
        return self._sign(scopes_of(scope) or client.scopes)


_TEXTS: Final = {
    "invalid_client": "The client did not prove that it is itself.",
    "unauthorized_client": "The school of the client is suspended.",
    "unsupported_grant_type": "Only client_credentials is supported.",
    "invalid_scope": "The client may not have all of these scopes.",
}


def told(error: OAuth2Error) -> TokenAnswer:
    """An error as RFC 6749 wants it. Authlib's texts tell what is unknown and repeat what was sent; ours do neither."""
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"}
    body = {"error": error.error, "error_description": _TEXTS.get(error.error, error.description)}
    if error.error == InvalidClientError.error:
        return TokenAnswer(401, body, headers | {"WWW-Authenticate": 'Basic realm="wiyata"'})
    return TokenAnswer(400, body, headers)


def malformed(text: str) -> TokenAnswer:
    """The error of a request that cannot be read."""
    return told(InvalidRequestError(text))


def named_client(request: TokenRequest) -> str:
    """Who the request says it is from, before anything is proven.

    Raises InvalidRequestError for more than one way to prove it, and InvalidClientError where there is none.
    """
    form = request.form
    ways = [request.authorization, form.get("client_secret"), form.get("client_assertion")]
    if sum(way is not None for way in ways) > 1:
        raise InvalidRequestError("Prove the client in one way.")
    try:
        if request.authorization is not None:
            named = _basic_user(request.authorization)
        elif "client_assertion" in form:
            named = _subject(form["client_assertion"])
        else:
            named = form.get("client_id")
    except (ValueError, RecursionError):
        raise InvalidClientError from None
    if not isinstance(named, str):
        raise InvalidClientError
    if form.get("client_id", named) != named:
        raise InvalidRequestError("client_id is not the client that the proof names.")
    return named


def _basic_user(authorization: str) -> str | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    name, colon, _ = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    return unquote(name) if colon else None


def _subject(assertion: str) -> Any:
    payload = assertion.split(".")[1] if assertion.count(".") == 2 else ""  # noqa: PLR2004 - header, payload, signature
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims.get("sub") if isinstance(claims, dict) else None
