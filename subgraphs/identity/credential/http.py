"""The pages under /account where a password is chosen, or a link to do so asked for."""

import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from libs.pages import Pages, language_of, link_request_of, sent_form, visit_of
from subgraphs.identity.credential.operations.desk import Desk, School
from subgraphs.identity.credential.rules import DEFAULT_POLICY, InvalidToken, WeakPassword

__all__ = ["Desk", "account_routes"]

_TEMPLATES: Final = Path(__file__).parent / "templates"
_PAGES: Final = Pages(_TEMPLATES)
_TEXTS: Final = json.loads((_TEMPLATES / "texts.json").read_text())
_LARGEST_FORM: Final = 8_192  # bytes

Deed = Callable[..., Awaitable[None]]


def account_routes(desk: Desk) -> Sequence[Route]:
    """Invitation, forgotten password, new password: GET shows the form, which uses nothing up; POST does it."""
    choosing = {"invitation": desk.accept_invitation, "reset-password": desk.reset_password}
    routes = [
        Route(f"/account/{page}", partial(_choose_password, desk, page, deed), methods=["GET", "POST"])
        for page, deed in choosing.items()
    ]
    return [*routes, Route("/account/forgot", partial(_ask_for_link, desk), methods=["GET", "POST"])]


async def _choose_password(desk: Desk, page: str, deed: Deed, request: Request) -> Response:
    form = await _given(request)
    token, password = form.get("token", ""), form.get("password", "")
    show = partial(_page, request, page, "password.html", school=await desk.school_of(token), token=token)
    if request.method != "POST":
        return show("form")
    if password != form.get("again", ""):
        return show("form", faults=["DIFFERENT"], status=422)
    try:
        await deed(token=token, password=password, origin=visit_of(request, desk.database))
    except WeakPassword as weak:
        return show("form", faults=weak.data["rules"], status=422)
    except InvalidToken:
        return show("gone", status=410)
    return show("done")


async def _ask_for_link(desk: Desk, request: Request) -> Response:
    asked = link_request_of(await _given(request))
    school = await desk.find_school(asked.school)
    page = partial(_page, request, "forgot", "forgot.html", school=school, action="/account/forgot")
    show = partial(page, slug=school.slug if school else asked.school, email=asked.email)
    if request.method != "POST":
        return show("form")
    faults = asked.faults(is_known=school is not None)
    if school is None or faults:
        return show("form", faults=faults, status=422)
    await desk.request_password_reset(school, email=asked.email, origin=visit_of(request, desk.database))
    return show("sent")


async def _given(request: Request) -> dict[str, str]:
    return await sent_form(request, most_bytes=_LARGEST_FORM) if request.method == "POST" else {**request.query_params}


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
    policy, texts = school.policy if school else DEFAULT_POLICY, _TEXTS[language_of(request)]
    said = {"slug": school.slug if school else "", **values}
    return _PAGES.show(
        request,
        template,
        status,
        t=texts | texts[page],
        title=texts[page]["title"],
        told=[texts["faults"][fault].format(min_length=policy.min_length) for fault in faults],
        hint=texts["hints"][policy.kind].format(min_length=policy.min_length),
        page=page,
        view=view,
        school=school and school.name,
        **said,
    )
