"""What a visitor sends, and from where."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from libs.db import Database
from libs.graph import client_address

_MOST_FIELDS: Final = 40


@dataclass(frozen=True, slots=True)
class Visit:
    """Where a request outside of the graph comes from, as the audit log keeps it."""

    address: str
    user_agent: str
    database: Database


def visit_of(request: Request, database: Database) -> Visit:
    """The visit that a request is; what the client calls itself is cut at 300 characters."""
    return Visit(client_address(request), request.headers.get("user-agent", "")[:300], database)


async def sent_form(request: Request, *, most_bytes: int) -> dict[str, str]:
    """The fields of a form, of those with one name the last. Raises HTTPException for what no browser sends.

    415 for another media type, 413 for more than `most_bytes`, 400 for what cannot be read.
    """
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/x-www-form-urlencoded":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"))
    except ValueError:
        raise HTTPException(HTTPStatus.BAD_REQUEST) from None
