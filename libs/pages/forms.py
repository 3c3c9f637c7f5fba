"""What a visitor sends, and from where."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from libs.db import Database
from libs.graph import EmailAddress, checked_text, client_address

_MOST_FIELDS: Final = 40
_LONGEST_SLUG: Final = 63
_LONGEST_EMAIL: Final = 254


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


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """Somebody asks for a link by mail (`link_request.html`): their school's slug or NPSN, and their address.

    `school` is empty where no school can be called so; `is_email` says whether the address is one.
    """

    school: str
    email: str
    is_email: bool

    def faults(self, *, is_known: bool) -> list[str]:
        """What is wrong, by the names of the pages' texts; `is_known`: there is such a school."""
        return [name for name, is_right in (("SCHOOL", is_known), ("EMAIL", self.is_email)) if not is_right]


def link_request_of(form: Mapping[str, str]) -> LinkRequest:
    """The request that a form holds."""
    school, odd = checked_text(form.get("school", ""), "school", max_length=_LONGEST_SLUG)
    email, wrong = checked_text(form.get("email", ""), "email", kind=EmailAddress, max_length=_LONGEST_EMAIL)
    return LinkRequest("" if odd else school, email, not wrong)
