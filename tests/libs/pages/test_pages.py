"""What browsers send is read, what they do not send is refused; every page leaves under the same headers."""

from datetime import date
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from libs.pages import Pages, days_by, link_request_of, sent_form, visit_of

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def site(tmp_path: Path) -> httpx.AsyncClient:
    """A page at `/`, a form at `/form`, and who comes at `/visit`."""
    (tmp_path / "page.html").write_text(
        '{% extends "form.html" %}{% block body %}<p>{{ name }} {{ language }}</p>{% endblock %}'
    )
    pages = Pages(tmp_path)

    async def show(request: Request) -> Response:
        name = request.query_params.get("name", "")
        return pages.show(request, "page.html", name=name, title=name, told=[name], school=name)

    async def form(request: Request) -> Response:
        return JSONResponse(await sent_form(request, most_bytes=20))

    async def visit(request: Request) -> Response:
        seen = visit_of(request, None)  # type: ignore[arg-type]
        return JSONResponse([seen.address, seen.user_agent])

    app = Starlette(routes=[Route("/", show), Route("/form", form, methods=["POST"]), Route("/visit", visit)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://page.test")


async def test_a_page_runs_nothing_and_holds_what_it_is_given_as_text(site):
    shown = await site.get("/", params={"name": "<script>1</script>"})
    assert "<script" not in shown.text
    policy = shown.headers["content-security-policy"]
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert policy == (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert f'<style nonce="{nonce}">' in shown.text
    assert nonce not in (await site.get("/")).text
    told = {name: shown.headers[name] for name in ("referrer-policy", "cache-control", "vary", "content-language")}
    assert told == {
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "vary": "Accept-Language",
        "content-language": "id",
    }
    english = await site.get("/", headers={"accept-language": "en-GB,id;q=0.5"})
    assert (english.headers["content-language"], " en</p>" in english.text) == ("en", True)


@pytest.mark.parametrize(
    ("kind", "body", "answer"),
    [
        (FORM, b"a=1&b=", {"a": "1", "b": ""}),
        (f"{FORM}; charset=utf-8", "a=é".encode(), {"a": "é"}),
        (FORM, b"a=1&a=2", {"a": "2"}),
        (FORM, b"", {}),
        (FORM, b"a=" + b"1" * 18, {"a": "1" * 18}),
        (FORM, b"a=" + b"1" * 19, 413),
        (FORM, b"\xff\xfe", 400),
        (FORM, b"a=%ff", 400),
        ("application/json", b"{}", 415),
        ("", b"a=1", 415),
    ],
)
async def test_a_form_is_what_browsers_send(site, kind, body, answer):
    given = await site.post("/form", content=body, headers={"content-type": kind})
    assert (given.json() if given.status_code == 200 else given.status_code) == answer


async def test_more_fields_than_a_form_has_are_refused(site, monkeypatch):
    monkeypatch.setattr("libs.pages.forms._MOST_FIELDS", 2)
    for body, status in ((b"a=1&b=2", 200), (b"a=1&b=2&c=3", 400)):
        given = await site.post("/form", content=body, headers={"content-type": FORM})
        assert given.status_code == status


async def test_a_visit_is_told_by_the_router(site):
    headers = {"x-forwarded-for": "203.0.113.7, 10.0.0.1", "user-agent": "x" * 400}
    assert (await site.get("/visit", headers=headers)).json() == ["203.0.113.7", "x" * 300]


def test_days_are_written_in_the_words_that_are_given():
    write = days_by("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")
    assert [write(day) for day in (date(2026, 1, 2), date(2026, 12, 31))] == ["2 Jan 2026", "31 Dec 2026"]


@pytest.mark.parametrize(
    ("form", "school", "email", "faults"),
    [
        ({"school": "sman-1", "email": "Ibu@x.test"}, "sman-1", "Ibu@x.test", []),
        ({"school": "x" * 64, "email": "ibu"}, "", "ibu", ["EMAIL"]),
        ({}, "", "", ["EMAIL"]),
    ],
)
def test_who_asks_for_a_link_names_school_and_address(
    form: dict[str, str], school: str, email: str, faults: list[str]
) -> None:
    asked = link_request_of(form)
    assert (asked.school, asked.email) == (school, email)
    assert asked.faults(is_known=True) == faults
    assert asked.faults(is_known=False) == ["SCHOOL", *faults]
