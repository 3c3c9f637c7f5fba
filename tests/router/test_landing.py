"""The page at `/`: developers learn what this is and where things are, everybody else its name."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import httpx
import pytest

from tests.router.conftest import Graph, StartRouter

VOID = {"meta"}


class Page(HTMLParser):
    """Its tags, links and language; closes what it opens."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.lang = ""
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert not [name for name in given if name.startswith("on") or name == "style"]
        self.tags.append(tag)
        self.links += [str(given["href"])] if "href" in given else []
        self.lang = self.lang or str(given.get("lang"))
        self._open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


@pytest.mark.parametrize(
    ("path", "accepted", "language", "words"),
    [
        ("/", None, "id", ["sekolah-sekolah Indonesia", "200.000", "10.000", "paling banyak 10 operasi"]),
        ("/", "en-GB,id;q=0.5", "en", ["Indonesian schools", "200,000", "10,000", "graphql-transport-ws"]),
        ("/?lang=en", "id", "en", ["Indonesian schools"]),
        ("/?lang=id", "en", "id", ["sekolah-sekolah"]),
        ("/?lang=toString", "en", "en", []),
        ("/?lang=<script>", None, "id", []),
    ],
)
async def test_developers_get_a_page_in_their_language(
    priced: Graph, path: str, accepted: str | None, language: str, words: list[str]
) -> None:
    answer = await priced.client.get(path, headers={"accept-language": accepted} if accepted else {})
    page = Page(answer.text)
    assert (answer.status_code, page.lang, answer.headers["content-language"]) == (200, language, language)
    assert [word for word in words if word not in answer.text] == []
    assert {"public", "app", "dashboard", "integrator"} <= set(re.findall(r'<th scope="row">(\w+)</th>', answer.text))
    assert not re.search(r"undefined|NaN|\[object", answer.text)


async def test_page_runs_nothing_and_loads_nothing(priced: Graph) -> None:
    answer = await priced.client.get("/")
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert answer.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert not {"script", "img", "link", "iframe", "form"} & set(Page(answer.text).tags)


async def test_every_link_leads_somewhere(priced: Graph) -> None:
    links = Page((await priced.client.get("/")).text).links
    assert {"/graphql", "/schema.graphql", "/health", "/dev/outbox"} <= set(links)
    for link in links:
        answer = await priced.client.get(link, headers={"accept": "text/html"})
        assert (link, answer.status_code) == (link, 200)
    schema = (await priced.client.get("/schema.graphql")).text
    assert "type Query" in schema
    assert "join__" not in schema


@pytest.mark.parametrize("environment", ["production", "test"])
async def test_elsewhere_there_is_but_the_name(start_router: StartRouter, environment: str) -> None:
    router = start_router(WIYATA_ENVIRONMENT=environment)
    async with httpx.AsyncClient(base_url=router.url) as client:
        answer = await client.get("/", headers={"accept": "text/html"})
        assert (answer.status_code, answer.text) == (200, "Wiyata\n")
        assert answer.headers["content-security-policy"] == "default-src 'self'"
        assert (await client.post("/")).status_code == 404
        assert (await client.get("/schema.graphql")).status_code == 404
    router.stop()
