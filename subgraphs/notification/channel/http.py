"""`/dev/outbox`: the mails of the local sink, as pages for people and as JSON for programs. Not in production."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from libs.crypto import normal_email
from subgraphs.notification.channel.adapters.sink import KeptMail, Sink

_ON_A_PAGE: Final = 200
_PAGES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)
# The mail's own HTML: its inline styles, and nothing else, may act.
_MAIL_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-popups"


def outbox_routes(sink: Sink) -> Sequence[BaseRoute]:
    """The newest 200 at `/dev/outbox?to=…`, one at `/dev/outbox/{id}` and `/dev/outbox/{id}/html` over a sink."""

    async def list_mails(request: Request) -> Response:
        to = request.query_params.get("to")
        shown = await asyncio.to_thread(_newest, sink, to)
        if _wants_json(request):
            return JSONResponse([_as_json(mail) for mail in shown])
        return _page("outbox.html", mails=shown, total=len(shown) if to else sink.count(), to=to)

    async def show_mail(request: Request) -> Response:
        mail = await asyncio.to_thread(sink.find, request.path_params["mail_id"])
        if mail is None:
            return _absent()
        return JSONResponse(_as_json(mail)) if _wants_json(request) else _page("mail.html", mail=mail)

    async def show_html(request: Request) -> Response:
        mail = await asyncio.to_thread(sink.find, request.path_params["mail_id"])
        return HTMLResponse(mail.html, headers={"content-security-policy": _MAIL_POLICY}) if mail else _absent()

    return [
        Route("/dev/outbox", list_mails),
        Route("/dev/outbox/{mail_id}", show_mail),
        Route("/dev/outbox/{mail_id}/html", show_html),
    ]


def _newest(sink: Sink, to: str | None) -> list[KeptMail]:
    return list(islice((mail for mail in sink.newest_first(to) if _is_to(mail, to)), _ON_A_PAGE))


def _is_to(mail: KeptMail, to: str | None) -> bool:
    return not to or normal_email(mail.to) == normal_email(to)


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


def _as_json(mail: KeptMail) -> dict[str, Any]:
    return {
        "id": mail.id,
        "to": mail.to,
        "subject": mail.subject,
        "sentAt": mail.sent_at.isoformat().replace("+00:00", "Z"),
        "text": mail.text,
        "html": mail.html,
        "links": mail.links,
    }


def _page(name: str, **given: Any) -> HTMLResponse:
    nonce = token_urlsafe(16)
    page = _PAGES.get_template(name).render(nonce=nonce, **given)
    return HTMLResponse(page, headers={"content-security-policy": f"default-src 'self'; style-src 'nonce-{nonce}'"})


def _absent() -> Response:
    return PlainTextResponse("There is no such mail.", status_code=HTTPStatus.NOT_FOUND)
