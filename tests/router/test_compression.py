"""Answers of the graph are compressed as the client likes them, and stay the same answers."""

import asyncio
import gzip
import json
import subprocess
from typing import Any

import httpx
import pytest

from tests.router.conftest import NODE, Graph, Router, Tokens

LARGE = "{ pages(first: 300) { nodes { name mean } } }"
SMALL = "{ school }"


@pytest.fixture(params=["lane", "planned"])
def asked(request: pytest.FixtureRequest, graph: Graph, planned: Graph) -> Graph:
    """The graph by each of both ways."""
    return graph if request.param == "lane" else planned


async def _ask(graph: Graph, accepted: str | None, query: str = LARGE, **more: Any) -> tuple[httpx.Headers, bytes]:
    """The answer's head, and its bytes as they came over the wire."""
    request = graph.client.build_request("POST", "/graphql", json={"query": query}, **more)
    del request.headers["accept-encoding"]
    if accepted is not None:
        request.headers["accept-encoding"] = accepted
    answer = await graph.client.send(request, stream=True)
    content = b"".join([piece async for piece in answer.aiter_raw()])
    await answer.aclose()
    assert int(answer.headers["content-length"]) == len(content)
    return answer.headers, content


def _decoded(brotli: bytes) -> bytes:
    """By Node: Python has no Brotli."""
    program = "process.stdout.write(require('zlib').brotliDecompressSync(require('fs').readFileSync(0)))"
    return subprocess.run([NODE.program, "-e", program], input=brotli, capture_output=True, check=True).stdout


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("deflate", None),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("gzip;q=0", None),
        ("*", "br"),
        ("*;q=0", None),
        ("br;q=0, *;q=0.1", "gzip"),
        ("identity;q=1, gzip;q=0.5", None),
        ("identity;q=0.5, gzip;q=1", "gzip"),
        ("identity;q=0, gzip", "gzip"),
        ("identity;q=0", None),
        ("gzip;q=x", None),
    ],
)
async def test_coding_is_the_one_the_client_likes_best(
    asked: Graph, tokens: Tokens, accepted: str | None, coding: str | None
) -> None:
    headers, content = await _ask(asked, accepted, headers=tokens.bearer())
    assert (headers.get("content-encoding"), headers["vary"]) == (coding, "Origin, Accept-Encoding")
    assert (len(content) < 2_000) is (coding is not None)


async def test_bytes_are_equal_after_decoding(asked: Graph, tokens: Tokens, router: Router) -> None:
    _, plain = await _ask(asked, None, headers=tokens.bearer())
    _, zipped = await _ask(asked, "gzip", headers=tokens.bearer())
    assert gzip.decompress(zipped) == plain
    _, brotli = await _ask(asked, "br", headers=tokens.bearer())
    assert await asyncio.to_thread(_decoded, brotli) == plain
    if asked.router is router:
        accepted = {call.headers["accept-encoding"] for call in asked.subgraphs["academic"].operations}
        assert accepted == {"identity"}


async def test_small_answers_and_refusals_are_left_alone(asked: Graph) -> None:
    for query in (SMALL, "{ nope }"):
        headers, content = await _ask(asked, "gzip, br", query)
        assert "content-encoding" not in headers
        json.loads(content)
    headers, content = await _ask(asked, "gzip, identity;q=0", SMALL)
    assert headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(content)) == {"data": {"school": "SMA Gabriel Pereira"}}


async def test_event_streams_are_never_compressed(graph: Graph) -> None:
    """Fails with a compressing stream in front of everything: events wait in its buffer."""
    query = "subscription { ticks(every: 0.01, count: 3) }"
    headers = {"accept": "text/event-stream", "accept-encoding": "gzip, br"}
    async with graph.client.stream("POST", "/graphql", json={"query": query}, headers=headers) as answer:
        content = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers.get("content-encoding", "none") == "none"
    assert content.count(b'"ticks"') == 3


async def test_an_etag_is_good_for_every_coding(graph: Graph, tokens: Tokens) -> None:
    """Fails with a strong ETag, which says that the bytes are the same."""

    async def get(**headers: str) -> httpx.Response:
        return await graph.client.get("/graphql", params={"query": LARGE}, headers=tokens.bearer() | headers)

    zipped = await get(**{"accept-encoding": "gzip"})
    etag = zipped.headers["etag"]
    assert (zipped.headers["content-encoding"], etag.startswith('W/"')) == ("gzip", True)
    assert {"Accept-Encoding", "Origin", "Authorization"} <= set(zipped.headers["vary"].split(", "))
    plain = await get(**{"accept-encoding": "identity"})
    assert (plain.headers["etag"], plain.content) == (etag, zipped.content)
    for known in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
        again = await get(**{"accept-encoding": "br", "if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert "content-encoding" not in again.headers
        assert "Accept-Encoding" in again.headers["vary"]
    for other in ('"x"', '"', "", etag[-5:]):
        assert (await get(**{"if-none-match": other})).status_code == 200
