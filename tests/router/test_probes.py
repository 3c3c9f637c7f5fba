"""What an attacker tries first, as a visitor in production: overload, leaks, forged requests, smuggling."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.router.conftest import GP, Graph, Router, StartRouter, Tokens
from tests.router.subgraphs import Subgraph
from tests.router.test_origin import raw
from tests.sockets import asking

LEAKS = (
    "Did you mean",
    "node_modules",
    "file://",
    "    at ",
    ".mjs",
    ".js:",
    ".py",
    "Traceback",
    "127.0.0.1",
    "localhost",
    "originalError",
    "ECONN",
)
NESTED = "friends { " * 40 + "name" + " }" * 40

# name → (document, code): what is too much, by each limit
OVERLOADS = {
    "aliases": ("{ " + " ".join(f"a{n}: school" for n in range(31)) + " }", "ALIAS_LIMIT"),
    "aliases by fragments": (
        "{ ...A ...A } fragment A on Query { " + " ".join(f"a{n}: school" for n in range(16)) + " }",
        "ALIAS_LIMIT",
    ),
    "aliases doubled by fragments": (
        "{ ...F20 } "
        + " ".join(f"fragment F{n} on Query {{ ...F{n - 1} ...F{n - 1} }}" for n in range(1, 21))
        + " fragment F0 on Query { a: school }",
        "ALIAS_LIMIT",
    ),
    "one field again and again": ("{ " + "school " * 21 + "}", "ROOT_FIELD_LIMIT"),
    "directives": ("{ school " + "@include(if: true) " * 21 + "}", "DIRECTIVE_LIMIT"),
    "unknown directives": ("{ school " + "@x " * 21 + "}", "DIRECTIVE_LIMIT"),
    "depth": (f"{{ pupils {{ {NESTED} }} }}", "DEPTH_LIMIT"),
    "depth by fragments": (
        "{ pupils { ...F14 } } "
        + " ".join(f"fragment F{n} on Pupil {{ friends {{ ...F{n - 1} }} }}" for n in range(1, 15))
        + " fragment F0 on Pupil { name }",
        "DEPTH_LIMIT",
    ),
    "tokens": ("{ school " + "# \n ,, school" * 2_001 + "}", "TOKEN_LIMIT"),
    "a page": ("{ pages(first: 1000000000) { nodes { name } } }", "COST_LIMIT"),
    "a page of pages": ("{ pages(first: 400) { nodes { friends { name } } } }", "COST_LIMIT"),
    "a negative page": ("{ pages(first: -5, last: 100000) { nodes { name } } }", "COST_LIMIT"),
    "brackets": ("{" * 150 + "}" * 150, "BAD_REQUEST"),
    "lists in values": ("{ level(of: " + "[" * 150 + "]" * 150 + ") }", "BAD_REQUEST"),
    "a fragment in itself": ("{ ...F } fragment F on Query { ...F }", "BAD_REQUEST"),
    "a number too large": ("{ level(of: 99999999999999999999) }", "BAD_REQUEST"),
    "entities": ('{ _entities(representations: [{ __typename: "User", id: "1" }]) { __typename } }', "BAD_REQUEST"),
    "the subgraph's schema": ("{ _service { sdl } }", "BAD_REQUEST"),
}

# name → (method, body or query, headers, status): requests that must not be carried out
FORGED: dict[str, tuple[str, Any, dict[str, str], int]] = {
    "a mutation by GET": ("GET", "mutation { enroll }", {}, 405),
    "a mutation by GET, behind a query": ("GET", "query A { school } mutation B { enroll }", {}, 400),
    "a form": ("POST", "query=mutation%7Benroll%7D", {"content-type": "application/x-www-form-urlencoded"}, 415),
    "plain text": ("POST", '{"query":"mutation{enroll}"}', {"content-type": "text/plain"}, 415),
    "a form with files": ("POST", "--x--", {"content-type": "multipart/form-data; boundary=x"}, 415),
    "GraphQL as such": ("POST", "mutation { enroll }", {"content-type": "application/graphql"}, 415),
    "JSON by name alone": (
        "POST",
        '{"query":"mutation{enroll}"}',
        {"content-type": "text/plain; application/json"},
        415,
    ),
    "no type": ("POST", '{"query":"mutation{enroll}"}', {"content-type": ""}, 415),
    "another method by header": (
        "GET",
        "mutation { enroll }",
        {"x-http-method-override": "POST", "content-type": "application/json"},
        405,
    ),
    "PUT": ("PUT", '{"query":"mutation{enroll}"}', {"content-type": "application/json"}, 405),
    "DELETE": ("DELETE", '{"query":"mutation{enroll}"}', {"content-type": "application/json"}, 405),
    "a batch of a thousand": (
        "POST",
        json.dumps([{"query": "mutation{enroll}"}] * 1000),
        {"content-type": "application/json"},
        400,
    ),
}


@pytest.fixture(scope="session")
def _production(start_router: StartRouter) -> Router:
    return start_router(WIYATA_ENVIRONMENT="production")


@pytest.fixture
async def production(_production: Router, subgraphs: dict[str, Subgraph]) -> AsyncIterator[Graph]:
    """The graph of visitors in production."""
    for subgraph in subgraphs.values():
        subgraph.calls.clear()
    async with httpx.AsyncClient(base_url=_production.url, timeout=10) as client:
        yield Graph(_production, client, subgraphs)
    for subgraph in subgraphs.values():
        subgraph.fault = None


def _calls(graph: Graph) -> list[str]:
    return [call.path for subgraph in graph.subgraphs.values() for call in subgraph.operations]


def _leaks(text: str) -> list[str]:
    return [leak for leak in LEAKS if leak in text]


async def _by_post(graph: Graph, document: str, headers: dict[str, str]) -> str:
    return (await graph.post(document, headers)).text


async def _by_get(graph: Graph, document: str, headers: dict[str, str]) -> str:
    answer = await graph.client.get("/graphql", params={"query": document}, headers=headers)
    return answer.text if answer.status_code != 431 else "TOKEN_LIMIT"  # longer than any header may be: not read at all


async def _in_batch(graph: Graph, document: str, headers: dict[str, str]) -> str:
    body = [{"query": document}, {"query": "{ __typename }"}, {"query": document}]
    first, between, last = (await graph.client.post("/graphql", json=body, headers=headers)).json()
    assert (first, between) == (last, {"data": {"__typename": "Query"}})
    return json.dumps(first)


async def _by_stream(graph: Graph, document: str, headers: dict[str, str]) -> str:
    answer = await graph.post(document, {"accept": "text/event-stream", **headers})
    assert answer.headers["content-type"].startswith("text/event-stream")
    return answer.text


async def _by_socket(graph: Graph, document: str, headers: dict[str, str]) -> str:
    async with asking(f"ws://127.0.0.1:{graph.router.port}/graphql", headers) as socket:
        await socket.subscribe(document)
        return json.dumps(await socket.receive())


WAYS = {"post": _by_post, "get": _by_get, "batch": _in_batch, "event stream": _by_stream, "socket": _by_socket}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", OVERLOADS)
async def test_overload_reaches_no_subgraph(graph: Graph, name: str, way: str) -> None:
    document, code = OVERLOADS[name]
    answer = await asyncio.wait_for(WAYS[way](graph, document, {}), timeout=5)
    assert '"data"' not in answer
    assert code in answer
    assert _leaks(answer.replace(document, "")) == []
    assert _calls(graph) == []


@pytest.mark.parametrize("way", [way for way in WAYS if way != "batch"])
async def test_no_way_tells_visitors_of_the_schema(production: Graph, way: str) -> None:
    for document in ("{ __schema { queryType { name } } }", "{ schol }", "subscription { tick }", "mutation { enrol }"):
        answer = await WAYS[way](production, document, {"x-tenant-id": GP})
        assert "PERSISTED_QUERY_ONLY" in answer
        assert '"data"' not in answer
        assert _leaks(answer) == []


@pytest.mark.parametrize("name", FORGED)
async def test_forged_request_is_not_carried_out(graph: Graph, name: str) -> None:
    method, content, headers, status = FORGED[name]
    where: dict[str, Any] = {"params": {"query": content}} if method == "GET" else {"content": content}
    accepting = {"accept": "application/graphql-response+json"}
    answer = await graph.client.request(method, "/graphql", headers=accepting | headers, **where)
    assert answer.status_code == status
    assert _calls(graph) == []
    assert _leaks(answer.text) == []


@pytest.mark.parametrize(
    "document",
    [
        "{ __schema { types { name } } }",
        '{ __type(name: "User") { fields { name } } }',
        "query IntrospectionQuery { __schema { queryType { name } } }",
        "{ school __schema { queryType { name } } }",
        "{ a: __schema { queryType { name } } }",
        "{ ...F } fragment F on Query { __schema { queryType { name } } }",
        "{ schol }",
        "{ schools }",
        "{ me { nam } }",
        "{ level(off: 1) }",
        "{ level }",
        '{ level(of: "x") }',
        "query($x: Pupl) { school }",
        "{ school @inclde(if: true) }",
        "{ ... on Pupl { name } }",
        "mutation { enrol }",
        "subscription { tick }",
        "{ school(",
    ],
)
async def test_visitors_learn_nothing_of_the_schema_in_production(production: Graph, document: str) -> None:
    """Fails where visitors may send any document: a suggestion names a field for each that is nearly right."""
    for accepted in ("application/json", "application/graphql-response+json"):
        answer = await production.post(document, {"x-tenant-id": GP, "accept": accepted})
        (error,) = answer.json()["errors"]
        assert error["extensions"]["code"] == "PERSISTED_QUERY_ONLY"
        assert _leaks(answer.text) == []
        assert "Pupil" not in answer.text
    by_url = await production.client.get("/graphql", params={"query": document})
    assert by_url.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_ONLY"
    assert _calls(production) == []


async def test_a_token_that_is_no_good_opens_no_introspection(production: Graph, tokens: Tokens) -> None:
    for headers in ({"authorization": "Bearer x"}, {"authorization": ""}, tokens.bearer(exp=1)):
        answer = await production.post("{ __schema { queryType { name } } }", headers)
        assert (answer.status_code, "data" in answer.json()) == (401, False)


@pytest.mark.parametrize("fault", ["html", "garbage", "break"])
async def test_faults_tell_nothing_of_what_is_behind(graph: Graph, tokens: Tokens, fault: str) -> None:
    graph.subgraphs["academic"].fault = fault
    for document in ("{ school }", "{ me { name student } }", "mutation { enroll }"):
        assert _leaks((await graph.post(document, tokens.bearer())).text) == []


@pytest.mark.parametrize(
    "body",
    [
        '{"query":"{ school }","variables":"x"}',
        '{"query":"{ school }","variables":{"__proto__":{"a":1}}}',
        '{"query":"{ school }","operationName":{}}',
        '{"query":"{ school }","extensions":{"persistedQuery":[]}}',
        '{"query":"{ school }","extensions":{"persistedQuery":"x"}}',
        '{"query":"{ school }","extensions":{"persistedQuery":{"version":1,"sha256Hash":{}}}}',
        '{"query":"{ school }","documentId":"../../etc/passwd"}',
        '{"query":"{ school }","documentId":"__proto__"}',
        '{"query":"\\u0000"}',
        '{"query":"{ school(wait: \\ud800) }"}',
        '{"query":"{ school }","operationName":"constructor"}',
        '{"query":"{ constructor }"}',
        '{"query":"{ __proto__ }"}',
        '{"__proto__":{"query":"{ school }"}}',
        "{" * 10_000,
        '{"query":"{ school }","variables":' + '{"a":' * 5_000 + "1" + "}" * 5_000 + "}",
        "\ufeff{}",
    ],
)
async def test_odd_bodies_are_answered_without_a_trace_of_the_code(graph: Graph, body: str) -> None:
    answer = await graph.client.post("/graphql", content=body.encode(), headers={"content-type": "application/json"})
    assert answer.status_code < 500
    assert _leaks(answer.text) == []
    assert "INTERNAL" not in answer.text
    assert (await graph.client.get("/health/live")).status_code == 200


JSON_BODY = b'{"query":"{ seen { tenant authorization } }"}'


def _head(*lines: str, length: int | None = len(JSON_BODY)) -> bytes:
    sized = () if length is None else (f"Content-Length: {length}",)
    named = ("POST /graphql HTTP/1.1", "Host: x", "Connection: close", "Content-Type: application/json", *sized, *lines)
    return "\r\n".join((*named, "", "")).encode("latin-1")


@pytest.mark.parametrize(
    "name", ["Authorization", "X-Tenant-Id", "Idempotency-Key", "X-Request-Id", "traceparent", "X-TENANT-ID"]
)
async def test_a_header_given_twice_is_refused_in_any_case(graph: Graph, name: str) -> None:
    """Fails with Node's joined headers alone, which keep the first of some and a list of others."""
    status, answer = await raw(graph.router, _head(f"{name}: {GP}", f"{name.swapcase()}: {GP}") + JSON_BODY)
    assert status == 400
    assert b"BAD_REQUEST" in answer
    assert _calls(graph) == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        _head("Content-Length: 5") + JSON_BODY,
        _head("Transfer-Encoding: chunked") + b"0\r\n\r\n" + JSON_BODY,
        _head("transfer-encoding: CHUNKED") + b"0\r\n\r\n",
        _head("Transfer-Encoding: chunked", "Transfer-Encoding: identity", length=None) + b"0\r\n\r\n",
        _head("Transfer-Encoding: xchunked", length=None) + b"0\r\n\r\n",
        _head("Transfer-Encoding : chunked", length=None) + b"0\r\n\r\n",
        _head("Content-Length: +45", length=None) + JSON_BODY,
        _head("Content-Length: 0x2d", length=None) + JSON_BODY,
        _head("X-A: 1\nX-Tenant-Id: " + GP) + JSON_BODY,
        _head("X-A: 1\rX-Tenant-Id: " + GP) + JSON_BODY,
        _head("X-A: a\x00b") + JSON_BODY,
        _head("X Tenant Id: " + GP) + JSON_BODY,
        _head(" folded") + JSON_BODY,
        _head("Host: y") + JSON_BODY,
        _head("X-Tenant-Id: " + GP, "\tfolded") + JSON_BODY,
        _head("Content-Length: 45, 45", length=None) + JSON_BODY,
        _head("Transfer-Encoding: gzip, chunked", "Transfer-Encoding: identity", length=None) + b"0\r\n\r\n",
        _head("Transfer-Encoding: chunked", length=None) + b"+2d\r\n" + JSON_BODY + b"\r\n0\r\n\r\n",
        _head("Transfer-Encoding: chunked", length=None) + b"0x2d\r\n" + JSON_BODY + b"\r\n0\r\n\r\n",
        _head("Transfer-Encoding: chunked", length=None) + b"2d\n" + JSON_BODY + b"\n0\n\n",
        _head().replace(b"POST /graphql", b"POST http://x/graphql") + JSON_BODY,
        _head("Connection: Upgrade", "Upgrade: websocket", "Content-Length: 5") + JSON_BODY,
        _head(length=None).replace(b"Host: x\r\n", b"") + JSON_BODY,
    ],
)
async def test_a_request_that_could_be_read_in_two_ways_is_refused(graph: Graph, request_bytes: bytes) -> None:
    status, answer = await raw(graph.router, request_bytes)
    assert status == 400
    assert _calls(graph) == []
    assert _leaks(answer.decode("latin-1")) == []


@pytest.mark.parametrize(
    "case",
    ["X-WIYATA-ACTOR", "x-wiyata-actor", "X-Internal-User", "X-Forwarded-FOR", "FORWARDED", "Via", "x_tenant_id"],
)
async def test_internal_headers_are_dropped_in_any_case(graph: Graph, case: str) -> None:
    await raw(graph.router, _head(f"{case}: 6.6.6.6") + JSON_BODY)
    await raw(
        graph.router, f"GET /account/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{case}: 6.6.6.6\r\n\r\n".encode()
    )
    seen = [call for call in graph.subgraphs["identity"].calls if call.path != "/.well-known/jwks.json"]
    assert len(seen) == 2
    assert [call for call in seen if "6.6.6.6" in call.headers.values()] == []


async def test_a_socket_passes_on_no_internal_header(graph: Graph, tokens: Tokens) -> None:
    names = ("x-wiyata-actor", "X-Internal-User", "X-Forwarded-For", "x_tenant_id", "Idempotency-Key")
    given = tokens.bearer() | dict.fromkeys(names, "6.6.6.6")
    shaken = {"additional_headers": dict.fromkeys(names[:4], "6.6.6.6")}
    async with asking(f"ws://127.0.0.1:{graph.router.port}/graphql", given, **shaken) as socket:
        await socket.subscribe("subscription { ticks(every: 0, count: 1) }")
        assert await socket.told() == {"ticks": 0}
    (params,) = graph.subgraphs["academic"].socket_params
    assert "6.6.6.6" not in params.values()


async def test_trailers_are_no_headers(graph: Graph) -> None:
    """A name that is refused or settled as a header must not come in behind the body."""
    chunk = f"{len(JSON_BODY):x}\r\n".encode() + JSON_BODY + b"\r\n"
    trailers = f"0\r\nX-Tenant-Id: {GP}\r\nAuthorization: Bearer x\r\n\r\n".encode()
    status, answer = await raw(graph.router, _head("Transfer-Encoding: chunked", length=None) + chunk + trailers)
    assert (status, b'{"tenant":null,"authorization":null}' in answer) == (200, True)


@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
async def test_the_body_of_a_refused_request_never_becomes_a_second_one(graph: Graph, kind: str) -> None:
    """Refused before its body is read, over a connection that is kept: what comes next is body, not a request."""
    inner = b"GET /account/inner HTTP/1.1\r\nHost: x\r\n\r\n"
    large = inner + b"x" * 2**20 if kind == "application/json" else inner
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {len(large)}\r\n\r\n"
    last = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    status, answer = await raw(graph.router, head.encode() + large + last)
    assert status == (413 if kind == "application/json" else 415)
    assert answer.count(b"HTTP/1.1 ") <= 2
    assert [call.path for call in graph.subgraphs["identity"].calls if "inner" in call.path] == []
