"""`PUT /files/<domain>/uploads/<tenant>/<file>?expires&signature`: the content of a file that was announced."""

import asyncio
from http import HTTPStatus
from typing import Final
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from libs.db import Database
from libs.files.content import type_of
from libs.files.objects import StorageUnavailable
from libs.files.uploads import Expected, Uploads
from libs.kernel import Binding, Clock, Scope
from libs.telemetry import get_logger

_AT_ONCE: Final = 4  # contents lie in memory while their type is found out: these times 25 MiB
_LONGEST_SECONDS: Final = 60.0
_log = get_logger(__name__)


class _Refused(Exception):
    """The answer is this status with this text."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


def upload_route(uploads: Uploads, database: Database, clock: Clock) -> Route:
    """The route of a subgraph's uploads. An address whose content was refused may be used again."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def receive(request: Request) -> Response:
        tenant_id, file_id = request.path_params["tenant_id"], request.path_params["file_id"]
        try:
            _check_signature(request, uploads, clock)
            async with database.read(Binding(tenant_id, Scope.SYSTEM)) as tx:
                expected = await uploads.expected(tx, file_id)
            async with slots:
                content = await _content(request, expected)
                await _keep(uploads, database, (tenant_id, file_id), content)
        except _Refused as refused:
            return PlainTextResponse(str(refused), refused.status)
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"cache-control": "no-store"})

    path = f"/files/{uploads.domain}/uploads/{{tenant_id:uuid}}/{{file_id:uuid}}"
    return Route(path, receive, methods=["PUT"])


def _check_signature(request: Request, uploads: Uploads, clock: Clock) -> None:
    asked, file = request.query_params, request.path_params
    is_signed = uploads.is_signed(
        file["tenant_id"],
        file["file_id"],
        expires=asked.get("expires", ""),
        signature=asked.get("signature", ""),
        now=clock(),
    )
    if not is_signed:
        raise _Refused(HTTPStatus.FORBIDDEN, "Tautan ini tidak berlaku atau sudah kedaluwarsa.")


async def _content(request: Request, expected: Expected | None) -> bytes:
    if expected is None:
        raise _used()
    try:
        content = await _body(request, expected.size)
    except (TimeoutError, ClientDisconnect):
        raise _Refused(HTTPStatus.REQUEST_TIMEOUT, "Pengiriman berkas ini terlalu lama.") from None
    if content is None:
        text = "Berkas ini lebih besar daripada yang diberitahukan."
        raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
    if await asyncio.to_thread(type_of, content) is not expected.type:
        text = "Isi berkas ini bukan jenis yang diberitahukan."
        raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text)
    return content


async def _body(request: Request, most: int) -> bytes | None:
    """What was sent, or None for more than `most` bytes, which are read to their end for the client to see the answer.

    Raises TimeoutError, ClientDisconnect.
    """
    content, received = bytearray(), 0
    async with asyncio.timeout(_LONGEST_SECONDS):
        async for chunk in request.stream():
            received += len(chunk)
            if received <= most:
                content += chunk
            else:
                content.clear()
    return bytes(content) if received <= most else None


async def _keep(uploads: Uploads, database: Database, file: tuple[UUID, UUID], content: bytes) -> None:
    try:
        is_kept = await uploads.store(database, *file, content)
    except StorageUnavailable as error:
        _log.error("file_not_stored", subgraph=uploads.domain, error=error)
        text = "Penyimpanan sedang tidak tersedia. Mintalah tautan baru."
        raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, text) from error
    if not is_kept:
        raise _used()


def _used() -> _Refused:
    return _Refused(HTTPStatus.GONE, "Tautan ini sudah dipakai.")
