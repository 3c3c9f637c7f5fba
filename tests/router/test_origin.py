"""One origin: plain paths go to their owners, and every answer keeps the same manners."""

import asyncio
import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.router.conftest import NODE, Graph, Router, Tokens
from tests.router.subgraphs import SCHEMAS

SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-xss-protection": "1; mode=block",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "content-security-policy": "default-src 'self'",
    "referrer-policy": "strict-origin-when-cross-origin",
}
OWNERS = {
    "/.well-known/openid-configuration": "identity",
    "/.well-known/oauth-authorization-server": "identity",
    "/oauth/token": "identity",
    "/auth/oidc": "identity",
    "/account/invitation?token=a%20b": "identity",
    "/unsubscribe/x": "notification",
    "/t/x": "notification",
    "/webhooks/messages": "notification",
    "/calendar/x.ics": "academic",
    "/verify/x": "operations",
    "/ppdb/gp": "admission",
    "/files/academic/x": "academic",
    "/files/identity/x": "identity",
    "/files/operations/x": "operations",
}


async def raw(router: Router, request: bytes) -> tuple[int, bytes]:
    """Sends bytes as they are; returns the status and the whole answer. The request must ask to close the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", router.port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(answer.split(b" ", 2)[1]), answer


@pytest.mark.parametrize(("path", "owner"), OWNERS.items())
async def test_a_plain_path_goes_to_its_owner_as_it_came(graph: Graph, path: str, owner: str) -> None:
    answer = await graph.client.post(
        path, content=b"body", headers={"x-forwarded-for": "203.0.113.9", "te": "trailers"}
    )
    told = answer.json()
    (call,) = graph.subgraphs[owner].calls
    assert (call.path, told["subgraph"], told["method"], call.body) == (path, owner, "POST", b"body")
    assert call.headers["x-forwarded-for"] == "127.0.0.1"
    assert call.headers["x-forwarded-host"] == call.headers["host"] == f"127.0.0.1:{graph.router.port}"
    assert call.headers["x-forwarded-proto"] == "http"
    assert "te" not in call.headers
    assert answer.headers["x-from"] == owner


@pytest.mark.parametrize(
    "path",
    [
        "/schema.graphql",
        "/graphql/",
        "/webhooks/payments",
        "/webhooks",
        "/files",
        "/files/library/x",
        "/dev/outbox",
        "/constructor",
        "/ACCOUNT/x",
    ],
)
async def test_a_path_without_an_owner_is_not_found(graph: Graph, path: str) -> None:
    answer = await graph.client.get(path)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (404, "NOT_FOUND")
    assert [subgraph.calls for subgraph in graph.subgraphs.values()] == [[]] * len(SCHEMAS)


@pytest.mark.parametrize(
    "path",
    [
        "/account/../graphql",
        "/account/%2e%2e/graphql",
        "/account/.%2E/graphql",
        "/files/academic/..%2f..%2fgraphql",
        "/files/academic/..\\..\\graphql",
        "/account//graphql",
        "//identity/graphql",
        "/account/%00",
        "/account/%zz",
        "http://127.0.0.1:1/account/x",
    ],
)
async def test_a_path_that_could_be_read_as_another_is_refused(graph: Graph, path: str) -> None:
    status, _ = await raw(graph.router, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert status == 400
    assert [subgraph.calls for subgraph in graph.subgraphs.values()] == [[]] * len(SCHEMAS)


async def test_a_body_that_get_should_not_have_never_becomes_a_second_request(graph: Graph) -> None:
    smuggled = b"GET /graphql HTTP/1.1\r\nHost: x\r\n\r\n"
    head = f"GET /account/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{len(smuggled):x}\r\n"
    status, _ = await raw(graph.router, head.encode() + smuggled + b"\r\n0\r\n\r\n")
    assert status == 200
    assert [(call.path, call.body) for call in graph.subgraphs["identity"].calls] == [("/account/x", b"")]


async def test_headers_named_by_connection_stay_here(graph: Graph) -> None:
    request = b"GET /account/x HTTP/1.1\r\nHost: x\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nX-End: 2\r\n\r\n"
    await raw(graph.router, request)
    (call,) = graph.subgraphs["identity"].calls
    assert call.headers["x-end"] == "2"
    assert "x-hop" not in call.headers


async def test_a_large_download_comes_through_whole(graph: Graph) -> None:
    answer = await graph.client.get("/files/academic/large")
    assert (answer.headers["content-type"], len(answer.content)) == ("application/pdf", 64 * 65536)


async def test_a_page_keeps_its_own_policy_and_nothing_tells_the_server(graph: Graph) -> None:
    answer = await graph.client.get("/account/page")
    assert answer.headers["content-security-policy"] == "default-src 'nonce-x'"
    assert "server" not in answer.headers
    assert {name: answer.headers[name] for name in SECURITY} == SECURITY | {
        "content-security-policy": "default-src 'nonce-x'"
    }


async def test_an_owner_that_is_gone_is_unavailable_without_its_address(bereft: Router) -> None:
    async with httpx.AsyncClient(base_url=bereft.url) as client:
        answer = await client.get("/calendar/x.ics")
    extensions = answer.json()["errors"][0]["extensions"]
    assert (answer.status_code, extensions) == (
        503,
        {"code": "UNAVAILABLE", "correlationId": answer.headers["x-request-id"]},
    )
    assert "127.0.0.1" not in answer.text


# ---------------------------------------------------------------- every answer


@pytest.mark.parametrize(
    "path", ["/graphql?query={school}", "/nowhere", "/health", "/metrics", "/account/x", "/account//x"]
)
async def test_every_answer_has_the_security_headers(graph: Graph, path: str) -> None:
    answer = await graph.client.get(path)
    assert {name: answer.headers.get(name) for name in SECURITY} == SECURITY
    assert answer.headers["x-request-id"]


async def iter_large() -> Any:
    """A file over 25 MiB."""
    for _ in range(26):
        yield b"x" * 2**20


async def test_a_body_over_one_mebibyte_is_refused_however_it_is_sent(graph: Graph) -> None:
    async def pieces() -> Any:
        for _ in range(17):
            yield b"x" * 65536

    json_type = {"content-type": "application/json"}
    for path in ("/graphql", "/account/x"):
        for content in (b"x" * (2**20 + 1), pieces()):
            answer = await graph.client.post(path, content=content, headers=json_type)
            assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    largest = json.dumps({"query": "{ school }"}).encode().ljust(2**20)
    answer = await graph.client.post("/graphql", content=largest, headers=json_type)
    assert answer.json() == {"data": {"school": "SMA Gabriel Pereira"}}
    upload = await graph.client.post("/files/academic/x", content=b"x" * (2**20 + 1))
    assert upload.json()["size"] == 2**20 + 1
    for content in (b"x" * (25 * 2**20 + 1), iter_large()):
        answer = await graph.client.put("/files/academic/x", content=content)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '"{ school }"', "\x00", '{"query": "{"}', '{"query": 1}', "{}"]
)
async def test_a_body_that_is_no_operation_is_a_bad_request(graph: Graph, body: str) -> None:
    headers = {"content-type": "application/json", "accept": "application/graphql-response+json"}
    answer = await graph.client.post("/graphql", content=body, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ nope }", {}),
        ('{ level(of: "x") }', {}),
        ("query ($of: Int!) { level(of: $of) }", {"of": "x"}),
        ("query A { school } query B { school }", {}),
    ],
)
async def test_a_document_that_cannot_be_run_is_a_bad_request(
    graph: Graph, query: str, variables: dict[str, str]
) -> None:
    result = await graph.ask(query, **variables)
    assert ["data" in result, [error["extensions"]["code"] for error in result["errors"]]] == [False, ["BAD_REQUEST"]]


@pytest.mark.parametrize(
    "media_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", ""]
)
async def test_what_a_foreign_page_may_post_unasked_is_no_operation(graph: Graph, media_type: str) -> None:
    answer = await graph.client.post(
        "/graphql", content=b'{"query":"mutation{enroll}"}', headers={"content-type": media_type}
    )
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert graph.subgraphs["academic"].calls == []


async def test_a_mutation_by_get_is_refused(graph: Graph) -> None:
    answer = await graph.client.get("/graphql", params={"query": "mutation { enroll }"})
    assert answer.status_code == 405
    assert graph.subgraphs["academic"].calls == []


async def test_only_origins_of_the_list_may_call_from_a_browser(graph: Graph) -> None:
    def preflight(origin: str) -> Any:
        return graph.client.options("/graphql", headers={"origin": origin, "access-control-request-method": "POST"})

    allowed = await preflight("https://b.example.test")
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == "https://b.example.test"
    assert allowed.headers["access-control-allow-methods"] == "GET, POST, OPTIONS"
    assert allowed.headers["access-control-allow-headers"] == (
        "Content-Type, Authorization, X-Tenant-Id, Idempotency-Key, traceparent, Accept-Language"
    )
    assert allowed.headers["access-control-max-age"] == "86400"
    asked = {"origin": "https://b.example.test", "access-control-request-method": "PUT"}
    upload = await graph.client.options("/files/academic/uploads/x", headers=asked)
    assert upload.headers["access-control-allow-methods"] == "GET, PUT, OPTIONS"
    foreign = await preflight("https://b.example.test.evil.test")
    assert [name for name in foreign.headers if name.startswith("access-control")] == []
    answer = await graph.client.post(
        "/graphql", json={"query": "{ school }"}, headers={"origin": "https://b.example.test"}
    )
    assert answer.headers["access-control-allow-origin"] == "https://b.example.test"


# ---------------------------------------------------------------- health, metrics, GraphiQL


async def _health(graph: Graph, path: str, status: int) -> dict[str, str]:
    """Asks until that status comes, and answers its checks."""
    for _ in range(100):
        answer = await graph.client.get(path)
        if answer.status_code == status:
            checks: dict[str, str] = answer.json()["checks"]
            return checks
        await asyncio.sleep(0.1)
    raise AssertionError(f"{path} is never {status}")


async def test_readiness_asks_the_essential_subgraphs_and_liveness_none(graph: Graph) -> None:
    everything = dict.fromkeys(SCHEMAS, "ok")
    assert await _health(graph, "/health/ready", 200) == everything
    graph.subgraphs["notification"].fault = "html"
    assert await _health(graph, "/health", 503) == everything | {"notification": "down"}
    ready = await graph.client.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]) == (200, everything | {"notification": "down"})
    graph.subgraphs["academic"].fault = "hang"  # one that is stopped keeps nobody waiting for the answer
    started = time.monotonic()
    assert (await _health(graph, "/health/ready", 503))["academic"] == "down"
    assert time.monotonic() - started < 8
    live = await graph.client.get("/health/live")
    assert (live.status_code, live.json()["checks"]) == (200, {})
    graph.subgraphs["notification"].fault = graph.subgraphs["academic"].fault = None
    assert await _health(graph, "/health", 200) == everything


async def test_readiness_does_not_flap(graph: Graph) -> None:
    """Fails where one check that fails is enough: identity is away for a moment again and again."""
    await _health(graph, "/health/ready", 200)
    for turn in range(24):
        graph.subgraphs["identity"].fault = "html" if turn % 2 else None
        assert (await graph.client.get("/health/ready")).status_code == 200
        await asyncio.sleep(0.2)


async def test_metrics_count_requests_by_route_and_status(graph: Graph) -> None:
    async def counts() -> list[int]:
        text = (await graph.client.get("/metrics")).text
        names = [
            'requests_total{route="graphql",status="200"}',
            'requests_total{route="graphql",status="401"}',
            'request_seconds_count{route="graphql"}',
        ]
        found = [re.search(rf"^wiyata_router_{re.escape(name)} (\d+)$", text, re.MULTILINE) for name in names]
        return [int(match[1]) if match else 0 for match in found]

    before = await counts()
    for headers in ({}, {}, {"authorization": "Bearer x"}):
        await graph.post("{ school }", headers)
    assert [after - was for after, was in zip(await counts(), before, strict=True)] == [2, 1, 3]


async def test_development_offers_graphiql_and_mail_and_production_neither(
    start_router: Any, tokens: Tokens, tmp_path: Path
) -> None:
    browser = {"accept": "text/html,application/xhtml+xml"}
    introspection = {"query": "{ __schema { queryType { name } } }"}
    development, production = (start_router(WIYATA_ENVIRONMENT=name) for name in ("development", "production"))
    async with httpx.AsyncClient(base_url=development.url) as client:
        page = await client.get("/graphql", headers=browser)
        nonce = page.headers["content-security-policy"].split("'nonce-")[1].split("'")[0]
        _, _, script = page.text.partition(f'<script nonce="{nonce}">')
        (tmp_path / "page.mjs").write_text(script.rpartition("</script>")[0], encoding="utf-8")
        check = [NODE.program, "--check", tmp_path / "page.mjs"]
        await asyncio.to_thread(subprocess.run, check, check=True)
        assert "unpkg.com" not in page.text
        assert (await client.get("/dev/outbox")).json()["subgraph"] == "notification"
        assert (await client.post("/graphql", json=introspection)).json()["data"]
    async with httpx.AsyncClient(base_url=production.url) as client:
        assert "<script" not in (await client.get("/graphql", headers=browser)).text
        assert (await client.get("/dev/outbox")).status_code == 404
        assert "errors" in (await client.post("/graphql", json=introspection)).json()
        assert (await client.post("/graphql", json=introspection, headers=tokens.bearer())).json()["data"]
