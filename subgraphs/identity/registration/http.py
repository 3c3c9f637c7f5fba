"""The page behind a verification's link: one button, no script, in the visitor's language."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from libs.db import Database
from subgraphs.identity.registration.operations.desk import VerificationDesk

__all__ = ["VerificationDesk", "verification_route"]

_PAGES: Final = SandboxedEnvironment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    auto_reload=False,
)
_LONGEST_FORM: Final = 2_048  # bytes


@dataclass(frozen=True, slots=True)
class Visit:
    """Where a request for the page comes from."""

    address: str
    user_agent: str
    database: Database


def verification_route(desk: VerificationDesk) -> Route:
    """`/account/verification`: GET shows a button and uses nothing up, as mail scanners open links; POST verifies."""

    async def show(request: Request) -> Response:
        if request.method != "POST":
            return _page(request, "form", token=request.query_params.get("token", ""))
        # The router alone sets this header, and it alone reaches a subgraph.
        forwarded = request.headers.get("x-forwarded-for", "").split(",")[0].strip()
        address = forwarded or (request.client.host if request.client else "")
        visit = Visit(address, request.headers.get("user-agent", "")[:300], desk.database)
        if await desk.verify_email(token=await _token(request), origin=visit):
            return _page(request, "done")
        return _page(request, "gone", status=410)

    return Route("/account/verification", show, methods=["GET", "POST"])


async def _token(request: Request) -> str:
    """The token of a form as browsers send it; anything else has none."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            return ""
    try:
        return parse_qs(body.decode(), max_num_fields=10, errors="strict").get("token", [""])[0]
    except ValueError:
        return ""


def _page(request: Request, view: str, *, token: str = "", status: int = 200) -> Response:
    language = "en" if request.headers.get("accept-language", "").lower().startswith("en") else "id"
    nonce = secrets.token_urlsafe(16)
    html = _PAGES.get_template("verification.html").render(view=view, language=language, nonce=nonce, token=token)
    allowed = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    headers = {
        "Content-Security-Policy": allowed,
        "Referrer-Policy": "no-referrer",  # the link holds the token
        "Cache-Control": "no-store",
        "Content-Language": language,
        "Vary": "Accept-Language",
    }
    return HTMLResponse(html, status, headers=headers)
