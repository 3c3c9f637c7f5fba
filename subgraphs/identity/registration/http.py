"""The page behind a verification's link: one button, no script, in the visitor's language."""

import json
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from libs.pages import Pages, language_of, sent_form, visit_of
from subgraphs.identity.registration.operations.desk import VerificationDesk

__all__ = ["VerificationDesk", "verification_route"]

_TEMPLATES: Final = Path(__file__).parent / "templates"
_PAGES: Final = Pages(_TEMPLATES)
_TEXTS: Final = json.loads((_TEMPLATES / "texts.json").read_text())
_LARGEST_FORM: Final = 2_048  # bytes


def verification_route(desk: VerificationDesk) -> Route:
    """`/account/verification`: GET shows a button and uses nothing up, as mail scanners open links; POST verifies."""

    async def show(request: Request) -> Response:
        if request.method != "POST":
            return _page(request, "form", token=request.query_params.get("token", ""))
        form = await sent_form(request, most_bytes=_LARGEST_FORM)
        if await desk.verify_email(token=form.get("token", ""), origin=visit_of(request, desk.database)):
            return _page(request, "done")
        return _page(request, "gone", status=410)

    return Route("/account/verification", show, methods=["GET", "POST"])


def _page(request: Request, view: str, *, token: str = "", status: int = 200) -> Response:
    texts = _TEXTS[language_of(request)]
    shown = {"view": view, "t": texts, "title": texts["title"], "told": [], "school": None, "token": token}
    return _PAGES.show(request, "verification.html", status, **shown)
