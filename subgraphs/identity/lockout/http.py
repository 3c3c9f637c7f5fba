"""The page that opens a locked account."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from libs.pages import Pages, language_of, link_request_of, sent_form, visit_of
from subgraphs.identity.lockout.operations.desk import School, UnlockDesk

__all__ = ["UnlockDesk", "unlock_route"]

_TEMPLATES: Final = Path(__file__).parent / "templates"
_PAGES: Final = Pages(_TEMPLATES)
_TEXTS: Final = json.loads((_TEMPLATES / "texts.json").read_text())
_LARGEST_FORM: Final = 4_096  # bytes


def unlock_route(desk: UnlockDesk) -> Route:
    """`/account/unlock`: GET shows a button, which uses nothing up; POST opens the account, or mails another link."""

    async def show(request: Request) -> Response:
        is_sent = request.method == "POST"
        given = await sent_form(request, most_bytes=_LARGEST_FORM) if is_sent else {**request.query_params}
        token = given.get("token", "")
        if not token:
            return await _ask(request, desk, given)
        page = partial(_page, request, school=await desk.school_of(token))
        if not is_sent:
            return page("button", token=token)
        if await desk.unlock(token=token, origin=visit_of(request, desk.database)):
            return page("done")
        return page("gone", status=410)

    return Route("/account/unlock", show, methods=["GET", "POST"])


async def _ask(request: Request, desk: UnlockDesk, given: dict[str, str]) -> Response:
    asked = link_request_of(given)
    school = await desk.find_school(asked.school)
    if request.method != "POST":
        return _page(request, "form", school=school, named=asked.school)
    faults = asked.faults(is_known=school is not None)
    if school is None or faults:
        shown = {"named": asked.school, "email": asked.email}
        return _page(request, "form", school=school, faults=faults, status=422, **shown)
    answer = _page(request, "sent", school=school)
    # After the answer: how long it takes tells whether there is a locked account with that address.
    origin = visit_of(request, desk.database)
    answer.background = BackgroundTask(desk.request_link, school.id, email=asked.email, origin=origin)
    return answer


def _page(
    request: Request,
    view: str,
    *,
    school: School | None,
    faults: Sequence[str] = (),
    status: int = 200,
    named: str = "",
    **values: Any,
) -> Response:
    texts = _TEXTS[language_of(request)]
    given = {"token": "", "email": "", "action": "/account/unlock"} | values
    told = [texts["faults"][fault] for fault in faults]
    slug, name = (school.slug, school.name) if school else (named, None)
    shown = {"view": view, "t": texts, "title": texts["title"], "told": told, "school": name, "slug": slug}
    return _PAGES.show(request, "unlock.html", status, **shown, **given)
