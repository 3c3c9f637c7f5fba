"""Templates, and the headers under which a page leaves."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Final

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from starlette.requests import Request
from starlette.responses import HTMLResponse

from libs.graph import language_of

_LAYOUTS: Final = Path(__file__).parent / "templates"


class Pages:
    """The templates of a folder; they may extend `form.html` of this room."""

    def __init__(self, folder: Path, **filters: Any) -> None:
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader([folder, _LAYOUTS]), autoescape=True, undefined=StrictUndefined, auto_reload=False
        )
        self._environment.filters |= filters

    def show(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page; its template is given `language` (id or en) and the `nonce` of its style, beside the values.

        It runs no script, loads nothing, is kept by no cache, and tells no other site its address, which may hold a
        token.
        """
        language, nonce = language_of(request), token_urlsafe(16)
        html = self._environment.get_template(template).render(language=language, nonce=nonce, **values)
        allowed = f"style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        headers = {
            "Content-Security-Policy": f"default-src 'none'; {allowed}",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        return HTMLResponse(html, status, headers=headers | spoken(request))


def spoken(request: Request) -> dict[str, str]:
    """The headers of an answer that is told in the visitor's language."""
    return {"Content-Language": language_of(request), "Vary": "Accept-Language"}


def days_by(months: str) -> Callable[[date], str]:
    """Writes days in words, like 25 November 2026; `months` are the twelve names, with spaces between them."""
    names = months.split()
    return lambda day: f"{day.day} {names[day.month - 1]} {day.year}"
