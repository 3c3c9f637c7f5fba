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

from libs.graph import EmailAddress, checked_text
from libs.pages import Pages, language_of, sent_form, visit_of
from subgraphs.identity.lockout.operations.desk import School, UnlockDesk

__all__ = ["UnlockDesk", "unlock_route"]

_TEMPLATES: Final = Path(__file__).parent / "templates"
_PAGES: Final = Pages(_TEMPLATES)
_TEXTS: Final = json.loads((_TEMPLATES / "texts.json").read_text())
_LARGEST_FORM: Final = 4_096  # bytes
_LONGEST_SLUG: Final = 63
_EMAIL_LENGTH: Final = 254


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
    named, odd = checked_text(given.get("school", ""), "school", max_length=_LONGEST_SLUG)
    school = None if odd else await desk.find_school(named)
    if request.method != "POST":
        return _page(request, "form", school=school, named=named)
    email, faults = checked_text(given.get("email", ""), "email", kind=EmailAddress, max_length=_EMAIL_LENGTH)
    if school is None or faults:
        wrong = [name for name, is_wrong in (("SCHOOL", school is None), ("EMAIL", faults)) if is_wrong]
        return _page(request, "form", school=school, named=named, email=email, faults=wrong, status=422)
    answer = _page(request, "sent", school=school)
    # After the answer: how long it takes tells whether there is a locked account with that address.
    origin = visit_of(request, desk.database)
    answer.background = BackgroundTask(desk.request_link, school.id, email=email, origin=origin)
    return answer


def _page(
    request: Request,
    view: str,
    *,
    school: School | None,
    faults: Sequence[str] = (),
    status: int = 200,
    **values: Any,
) -> Response:
    texts = _TEXTS[language_of(request)]
    given = {"token": "", "named": "", "email": ""} | values
    told = [texts["faults"][fault] for fault in faults]
    slug, name = (school.slug, school.name) if school else ("", None)
    shown = {"view": view, "t": texts, "title": texts["title"], "told": told, "school": name, "slug": slug}
    return _PAGES.show(request, "unlock.html", status, **shown, **given)
