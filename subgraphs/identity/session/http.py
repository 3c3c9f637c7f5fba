"""The public keys of access tokens, and the page that opens a locked account: a form, no script."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from libs.db import Database
from libs.graph import EmailAddress, checked_text, client_address
from subgraphs.identity.session.operations.desk import School, UnlockDesk
from subgraphs.identity.session.queries import TokenPolicy

__all__ = ["UnlockDesk", "jwks_route", "unlock_route"]

_PAGES: Final = SandboxedEnvironment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    auto_reload=False,
)
_LONGEST_FORM: Final = 4_096  # bytes
_LONGEST_SLUG: Final = 63
_EMAIL_LENGTH: Final = 254


@dataclass(frozen=True, slots=True)
class _Visit:
    address: str
    user_agent: str
    database: Database


def jwks_route(tokens: TokenPolicy) -> Route:
    """`GET /.well-known/jwks.json`."""

    async def jwks(_: Request) -> JSONResponse:
        return JSONResponse(tokens.issuer.jwks(), headers={"Cache-Control": "public, max-age=60"})

    return Route("/.well-known/jwks.json", jwks, methods=["GET"])


def unlock_route(desk: UnlockDesk) -> Route:
    """`/account/unlock`: GET shows a button, which uses nothing up; POST opens the account, or mails another link.

    No cookie says who is asking: the token in the form is all the authority there is, so that another site can forge
    nothing with a visitor's browser.
    """

    async def show(request: Request) -> Response:
        given = await _form(request) if request.method == "POST" else dict(request.query_params)
        token = given.get("token", "")
        if not token:
            return await _ask(request, desk, given)
        school = await desk.school_of(token)
        if request.method != "POST":
            return _page(request, "button", school=school, token=token)
        if await desk.unlock(token=token, origin=_visit(request, desk)):
            return _page(request, "done", school=school)
        return _page(request, "gone", school=school, status=410)

    return Route("/account/unlock", show, methods=["GET", "POST"])


async def _ask(request: Request, desk: UnlockDesk, given: dict[str, str]) -> Response:
    named, odd = checked_text(given.get("school", ""), "school", max_length=_LONGEST_SLUG)
    school = None if odd else await desk.find_school(named.lower())
    if request.method != "POST":
        return _page(request, "form", school=school, named=named)
    email, faults = checked_text(given.get("email", ""), "email", kind=EmailAddress, max_length=_EMAIL_LENGTH)
    if school is None or faults:
        wrong = [name for name, is_wrong in (("SCHOOL", school is None), ("EMAIL", faults)) if is_wrong]
        return _page(request, "form", school=school, named=named, email=email, faults=wrong, status=422)
    answer = _page(request, "sent", school=school)
    # After the answer: how long it takes tells whether there is a locked account with that address.
    origin = _visit(request, desk)
    answer.background = BackgroundTask(desk.request_link, school.id, email=email, origin=origin)
    return answer


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


def _visit(request: Request, desk: UnlockDesk) -> _Visit:
    return _Visit(client_address(request), request.headers.get("user-agent", "")[:300], desk.database)


def _page(
    request: Request,
    view: str,
    *,
    school: School | None,
    faults: Sequence[str] = (),
    status: int = 200,
    **values: Any,
) -> Response:
    language = "en" if request.headers.get("accept-language", "").lower().startswith("en") else "id"
    nonce = secrets.token_urlsafe(16)
    given = {"token": "", "named": "", "email": ""} | values
    html = _PAGES.get_template("unlock.html").render(
        view=view, school=school, faults=faults, language=language, nonce=nonce, **given
    )
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
