"""The pages under /account: forms without a script, in the visitor's language.

No cookie says who is asking: what the form holds is all the authority there is, so that another site can forge nothing
with a visitor's browser.
"""

import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from libs.db import Database
from libs.graph import EmailAddress, checked_text
from subgraphs.identity.credential.operations.desk import Desk, School
from subgraphs.identity.credential.rules import DEFAULT_POLICY, InvalidToken, WeakPassword

__all__ = ["Desk", "account_routes"]

_TEMPLATES: Final = Path(__file__).parent / "templates"
_PAGES: Final = SandboxedEnvironment(
    loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, auto_reload=False
)
_TEXTS: Final = json.loads((_TEMPLATES / "texts.json").read_text())
_LONGEST_FORM: Final = 8_192  # bytes
_LONGEST_SLUG: Final = 63
_EMAIL_LENGTH: Final = 254

Deed = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Visit:
    """Where a request for a page comes from."""

    address: str
    user_agent: str
    database: Database


def account_routes(desk: Desk) -> Sequence[Route]:
    """Invitation, forgotten password, new password: GET shows the form, which uses nothing up; POST does it."""
    choosing = {"invitation": desk.accept_invitation, "reset-password": desk.reset_password}
    routes = [
        Route(f"/account/{page}", partial(_choose_password, desk, page, deed), methods=["GET", "POST"])
        for page, deed in choosing.items()
    ]
    return [*routes, Route("/account/forgot", partial(_ask_for_link, desk), methods=["GET", "POST"])]


async def _choose_password(desk: Desk, page: str, deed: Deed, request: Request) -> Response:
    form = await _form(request) if request.method == "POST" else dict(request.query_params)
    token, password = form.get("token", ""), form.get("password", "")
    show = partial(_page, request, page, "password.html", school=await desk.school_of(token), token=token)
    if request.method != "POST":
        return show("form")
    if password != form.get("again", ""):
        return show("form", faults=["DIFFERENT"], status=422)
    try:
        await deed(token=token, password=password, origin=_visit(request, desk))
    except WeakPassword as weak:
        return show("form", faults=weak.data["rules"], status=422)
    except InvalidToken:
        return show("gone", status=410)
    return show("done")


async def _ask_for_link(desk: Desk, request: Request) -> Response:
    form = await _form(request) if request.method == "POST" else dict(request.query_params)
    slug, odd = checked_text(form.get("school", ""), "school", max_length=_LONGEST_SLUG)
    school = None if odd else await desk.find_school(slug.lower())
    email, faults = checked_text(form.get("email", ""), "email", kind=EmailAddress, max_length=_EMAIL_LENGTH)
    show = partial(_page, request, "forgot", "forgot.html", school=school, slug=slug, email=email)
    if request.method != "POST":
        return show("form")
    if school is None or faults:
        wrong = [name for name, is_wrong in (("SCHOOL", school is None), ("EMAIL", faults)) if is_wrong]
        return show("form", faults=wrong, status=422)
    await desk.request_password_reset(school, email=email, origin=_visit(request, desk))
    return show("sent")


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


def _visit(request: Request, desk: Desk) -> Visit:
    """The visitor's address as the router saw it; it alone sets the header and alone reaches a subgraph."""
    forwarded = request.headers.get("x-forwarded-for", "").split(",")[0].strip()
    address = forwarded or (request.client.host if request.client else "")
    return Visit(address, request.headers.get("user-agent", "")[:300], desk.database)


def _page(
    request: Request,
    page: str,
    template: str,
    view: str,
    *,
    school: School | None,
    faults: Sequence[str] = (),
    status: int = 200,
    **values: Any,
) -> Response:
    language = "en" if request.headers.get("accept-language", "").lower().startswith("en") else "id"
    nonce, policy = secrets.token_urlsafe(16), school.policy if school else DEFAULT_POLICY
    texts = _TEXTS[language]
    for_policy = {
        group: {name: text.format(min_length=policy.min_length) for name, text in texts[group].items()}
        for group in ("hints", "faults")
    }
    given = {"slug": school.slug if school else "", **values}
    html = _PAGES.get_template(template).render(
        t=texts | texts[page] | for_policy,
        page=page,
        view=view,
        language=language,
        nonce=nonce,
        school=school and school.name,
        kind=policy.kind,
        faults=faults,
        **given,
    )
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
