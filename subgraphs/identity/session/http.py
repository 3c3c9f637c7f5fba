"""The public keys of access tokens, where every verifier looks for them."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from subgraphs.identity.session.queries import TokenPolicy


def jwks_route(tokens: TokenPolicy) -> Route:
    """`GET /.well-known/jwks.json`."""

    async def jwks(_: Request) -> JSONResponse:
        return JSONResponse(tokens.issuer.jwks(), headers={"Cache-Control": "public, max-age=60"})

    return Route("/.well-known/jwks.json", jwks, methods=["GET"])
