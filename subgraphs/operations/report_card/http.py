"""`/files/operations/report-cards/…`: PDFs by signed address; `/verify/<code>`: the page behind a QR code."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from libs.auth import system_binding
from libs.crypto import SignedLinks, Vault
from libs.db import Database
from libs.kernel import Clock, NotFound
from libs.pages import Pages, days_by, language_of, spoken
from subgraphs.operations.report_card.operations import Verified, read_pdf, verify_report_card
from subgraphs.operations.report_card.rules import Files, path_of, tenant_of

_TEMPLATES: Final = Path(__file__).parent / "templates"
_PAGES: Final = Pages(_TEMPLATES)
_TEXTS: Final = json.loads((_TEMPLATES / "texts.json").read_text())


@dataclass(frozen=True, slots=True)
class Archive:
    """What is needed to give a card out."""

    database: Database
    vault: Vault
    files: Files
    links: SignedLinks
    clock: Clock


def report_card_routes(archive: Archive) -> Sequence[BaseRoute]:
    """The routes over an archive."""

    async def show_pdf(request: Request) -> Response:
        tenant_id, card_id = request.path_params["tenant_id"], request.path_params["card_id"]
        asked = request.query_params
        signed = archive.links.holds(
            path_of(tenant_id, card_id),
            expires=asked.get("expires", ""),
            signature=asked.get("signature", ""),
            now=archive.clock(),
        )
        if not signed:
            return _told(request, HTTPStatus.FORBIDDEN, "no_link")
        return await _pdf(request, archive, tenant_id, card_id)

    async def verify(request: Request) -> Response:
        code = request.path_params["code"]
        tenant_id = tenant_of(code)
        if tenant_id is None:
            return _page(request, None)
        async with archive.database.read(system_binding(tenant_id)) as tx:
            return _page(request, await verify_report_card(tx, vault=archive.vault, code=code))

    return [
        Route("/files/operations/report-cards/{tenant_id:uuid}/{card_id:uuid}.pdf", show_pdf),
        Route("/verify/{code:str}", verify),
    ]


async def _pdf(request: Request, archive: Archive, tenant_id: UUID, card_id: UUID) -> Response:
    try:
        async with archive.database.read(system_binding(tenant_id)) as tx:
            content = await read_pdf(tx, vault=archive.vault, files=archive.files, card_id=card_id)
    except NotFound:
        return _told(request, HTTPStatus.NOT_FOUND, "no_card")
    headers = {
        "content-disposition": 'inline; filename="rapor.pdf"',
        "cache-control": "private, no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return Response(content, media_type="application/pdf", headers=headers)


def _page(request: Request, card: Verified | None) -> Response:
    texts = _TEXTS[language_of(request)]
    told = texts[card.validity if card else "ABSENT"]
    shown = {"t": texts, "day": days_by(texts["months"]), "told": [], "school": None, "card": card}
    return _PAGES.show(request, "verify.html", HTTPStatus.OK if card else HTTPStatus.NOT_FOUND, **shown, **told)


def _told(request: Request, status: HTTPStatus, text: str) -> Response:
    return PlainTextResponse(_TEXTS[language_of(request)][text], status, headers=spoken(request))
