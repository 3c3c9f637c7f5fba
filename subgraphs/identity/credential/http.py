"""The page behind an invitation's link: a form, no script, in the visitor's language."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from libs.db import Database
from subgraphs.identity.credential.operations.desk import Desk
from subgraphs.identity.credential.rules import InvalidToken, WeakPassword

__all__ = ["Desk", "invitation_route"]

_PAGES: Final = SandboxedEnvironment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)
_LONGEST_FORM: Final = 8_192  # bytes


@dataclass(frozen=True, slots=True)
class Visit:
    """Where a request for a page comes from."""

    address: str
    user_agent: str
    database: Database


def invitation_route(desk: Desk) -> Route:
    """`/account/invitation`: GET shows the form, which uses nothing up; POST accepts.

    No cookie says who is asking: the token in the form is all the authority there is, so that another site can forge
    nothing with a visitor's browser.
    """

    async def show(request: Request) -> Response:
        if request.method != "POST":
            return _page(request, "form", token=request.query_params.get("token", ""), faults=[])
        form = await _form(request)
        token, password = form.get("token", ""), form.get("password", "")
        if password != form.get("again", ""):
            return _page(request, "form", token=token, faults=["DIFFERENT"], status=422)
        visit = Visit(_address(request), request.headers.get("user-agent", "")[:300], desk.database)
        try:
            await desk.accept_invitation(token=token, password=password, origin=visit)
        except WeakPassword as weak:
            return _page(request, "form", token=token, faults=weak.data["rules"], status=422)
        except InvalidToken:
            return _page(request, "gone", status=410)
        return _page(request, "done")

    return Route("/account/invitation", show, methods=["GET", "POST"])


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form as browsers send it; anything else has none."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            return {}
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=10, errors="strict")
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def _address(request: Request) -> str:
    """The visitor's address as the router saw it; it alone sets the header and alone reaches a subgraph."""
    forwarded = request.headers.get("x-forwarded-for", "").split(",")[0].strip()
    return forwarded or (request.client.host if request.client else "")


def _page(request: Request, view: str, *, status: int = 200, **values: Any) -> Response:
    language = "en" if request.headers.get("accept-language", "").lower().startswith("en") else "id"
    nonce = secrets.token_urlsafe(16)
    values = {"token": "", "faults": []} | values
    html = _PAGES.get_template("invitation.html").render(view=view, language=language, nonce=nonce, **values)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",  # the link holds the token
        "Cache-Control": "no-store",
        "Content-Language": language,
        "Vary": "Accept-Language",
    }
    return HTMLResponse(html, status, headers=headers)
