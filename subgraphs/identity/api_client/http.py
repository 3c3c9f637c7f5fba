"""OAuth 2.0 for integrators: the token endpoint (RFC 6749), and where programs find it (RFC 8414)."""

from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from libs.auth import CLIENT_SCOPES
from libs.pages import visit_of
from subgraphs.identity.api_client.operations.issue_access_token import TokenDesk
from subgraphs.identity.api_client.operations.token_server import (
    METHODS,
    SIGNATURES,
    TokenAnswer,
    TokenRequest,
    malformed,
)

__all__ = ["ENDPOINT", "TokenDesk", "metadata_route", "token_route"]

ENDPOINT: Final = "/oauth/token"
_LONGEST_FORM: Final = 16_384  # bytes; an assertion and all scopes have about 4,000
_MOST_FIELDS: Final = 20


class _Malformed(Exception):
    """The request is no form that the endpoint could read; its text is for whoever writes the client."""


def token_route(desk: TokenDesk) -> Route:
    """`POST /oauth/token`: client credentials, proven by a secret or by a signed assertion."""

    async def token(request: Request) -> Response:
        try:
            given = TokenRequest(await _form(request), _authorization(request))
        except _Malformed as fault:
            return _response(malformed(str(fault)))
        return _response(await desk.issue_access_token(given, visit_of(request, desk.database)))

    return Route(ENDPOINT, token, methods=["POST"])


def metadata_route(desk: TokenDesk) -> Route:
    """`GET /.well-known/oauth-authorization-server`."""
    origin = desk.endpoint.removesuffix(ENDPOINT)
    document = {
        "issuer": desk.issuer,
        "token_endpoint": desk.endpoint,
        "jwks_uri": f"{origin}/.well-known/jwks.json",
        "scopes_supported": sorted(CLIENT_SCOPES),
        "response_types_supported": [],  # of the authorization endpoint, which there is none of
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": list(METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(SIGNATURES),
    }

    async def metadata(_: Request) -> Response:
        return JSONResponse(document, headers={"Cache-Control": "public, max-age=60"})

    return Route("/.well-known/oauth-authorization-server", metadata, methods=["GET"])


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form; one without a value was not sent (RFC 6749, section 3.2). Raises _Malformed."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise _Malformed("Send application/x-www-form-urlencoded.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            raise _Malformed("The form is too large.")
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise _Malformed("The form cannot be read.") from None
    if len({name for name, _ in fields}) < len(fields):
        raise _Malformed("A parameter is sent more than once.")
    return {name: value for name, value in fields if value}


def _authorization(request: Request) -> str | None:
    values = request.headers.getlist("authorization")
    if len(values) > 1:
        raise _Malformed("Authorization is sent more than once.")
    return values[0] if values else None


def _response(answer: TokenAnswer) -> Response:
    return JSONResponse(dict(answer.body), answer.status, headers=dict(answer.headers))
