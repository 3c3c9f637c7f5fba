"""Subscriptions of clients over WebSocket: who is let in, what a socket may ask, and that no token passes to another."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from joserfc.jwk import ECKey
from websockets.exceptions import InvalidStatus

from tests.router.conftest import GP, MS, Graph, Tokens
from tests.sockets import Socket, asking, socket_to

TICKS = "subscription { ticks(every: 0.05, count: 3) }"
LONG = "subscription { ticks(every: 0.1, count: 1000) }"


def address(graph: Graph) -> str:
    return f"ws://127.0.0.1:{graph.router.port}/graphql"


async def told(socket: Socket, operation_id: str) -> list[Any]:
    """What a subscription tells until it ends."""
    data = []
    while (message := await socket.receive())["type"] == "next":
        assert message["id"] == operation_id
        data.append(message["payload"]["data"])
    assert message == {"id": operation_id, "type": "complete"}
    return data


async def until_told(graph: Graph, number: int) -> list[dict[str, Any]]:
    """What the subgraph was told at the start of its sockets, once there are that many."""
    params = graph.subgraphs["academic"].socket_params
    for _ in range(100):
        if len(params) >= number:
            break
        await asyncio.sleep(0.05)
    return params


async def test_a_subscription_is_told_over_a_socket(graph: Graph, tokens: Tokens) -> None:
    async with asking(address(graph), tokens.bearer()) as socket:
        expected = [{"ticks": number} for number in range(3)]
        assert await told(socket, await socket.subscribe(TICKS)) == expected
        assert await told(socket, await socket.subscribe(TICKS)) == expected
    first, second = graph.subgraphs["academic"].socket_params
    assert first["authorization"] == second["authorization"]
    assert first["x-tenant-id"] == GP
    assert first["x-request-id"] != second["x-request-id"]


async def test_two_users_never_share_a_token_upstream(graph: Graph, tokens: Tokens) -> None:
    """Trap 8: fails where an upstream socket is kept by what the client says of itself (request id, trace) alone."""
    trace = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "x-request-id": "same"}
    people = [tokens.bearer(GP, sub="a") | trace, tokens.bearer(GP, sub="b") | trace, tokens.bearer(MS) | trace, trace]
    sockets = [asking(address(graph), person) for person in people]
    opened = [await socket.__aenter__() for socket in sockets]
    for socket in opened:
        await socket.subscribe(LONG)
    for socket in opened:
        await socket.told()
    for socket in sockets:
        await socket.__aexit__(None, None, None)
    params = await until_told(graph, 4)
    expected = sorted(
        (person.get("authorization", ""), tenant) for person, tenant in zip(people, (GP, GP, MS, ""), strict=True)
    )
    assert sorted((each.get("authorization", ""), each.get("x-tenant-id", "")) for each in params) == expected


@pytest.mark.parametrize(
    ("claims", "headers", "end"),
    [
        ({}, {"authorization": "Bearer x.y.z"}, (4403, "UNAUTHENTICATED")),
        ({}, {"authorization": "Basic abc"}, (4403, "UNAUTHENTICATED")),
        ({"exp": 1}, {}, (4403, "TOKEN_EXPIRED")),
        ({"key": ECKey.generate_key("P-256")}, {}, (4403, "UNAUTHENTICATED")),
        ({"typ": "JWT"}, {}, (4403, "UNAUTHENTICATED")),
        ({}, {"x-tenant-id": MS}, (4403, "TENANT_MISMATCH")),
        ({}, {"x-tenant-id": "x"}, (4400, "BAD_REQUEST")),
        ({}, {"Authorization": "Bearer x.y.z"}, (4400, "BAD_REQUEST")),
    ],
    ids=["forged", "no bearer", "expired", "another key", "typ", "another school", "no school", "said twice"],
)
async def test_a_bad_token_is_refused_and_never_passed_on(
    graph: Graph, tokens: Tokens, claims: Mapping[str, Any], headers: Mapping[str, str], end: tuple[int, str]
) -> None:
    """Trap 8: fails where the token of `connection_init` is no header that admission looks at: it goes on unread."""
    async with socket_to(address(graph)) as socket:
        await socket.send(type="connection_init", payload=tokens.bearer(**claims) | dict(headers))
        assert await socket.end() == end
    assert graph.subgraphs["academic"].socket_params == []


async def test_a_token_in_the_header_of_the_handshake_counts_for_nothing(graph: Graph, tokens: Tokens) -> None:
    async with asking(address(graph), additional_headers=tokens.bearer()) as socket:
        await socket.subscribe(LONG)
        await socket.told()
    (params,) = graph.subgraphs["academic"].socket_params
    assert not params.get("authorization")


async def test_a_socket_ends_with_its_token(graph: Graph, tokens: Tokens) -> None:
    async with asking(address(graph), tokens.bearer(exp=int(time.time()) + 2)) as socket:
        await socket.subscribe("subscription { ticks(every: 60, count: 1) }")
        assert await socket.refusal() == "TOKEN_EXPIRED"
        assert await socket.end() == (4403, "TOKEN_EXPIRED")


async def test_an_event_stream_ends_with_its_token(graph: Graph, tokens: Tokens) -> None:
    headers = tokens.bearer(exp=int(time.time()) + 2) | {"accept": "text/event-stream"}
    body = {"query": "subscription { ticks(every: 60, count: 1) }"}
    async with graph.client.stream("POST", "/graphql", json=body, headers=headers) as answer:
        (line,) = [line async for line in answer.aiter_lines() if line.startswith("data: {")]
    assert json.loads(line[6:])["errors"][0]["extensions"]["code"] == "TOKEN_EXPIRED"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ school }", "BAD_REQUEST"),
        ("mutation { enroll }", "BAD_REQUEST"),
        ("subscription {", "BAD_REQUEST"),
        ("subscription { nothing }", "BAD_REQUEST"),
        (f"{{ {'a: school ' * 31} }}", "ALIAS_LIMIT"),
    ],
)
async def test_every_operation_passes_the_checks(graph: Graph, tokens: Tokens, query: str, code: str) -> None:
    async with asking(address(graph), tokens.bearer()) as socket:
        await socket.subscribe(query)
        assert await socket.refusal() == code
    assert graph.subgraphs["academic"].operations == []
    assert graph.subgraphs["academic"].socket_params == []


async def test_an_integrator_sends_nothing_unregistered(graph: Graph, tokens: Tokens) -> None:
    async with asking(address(graph), tokens.bearer(client_id="exporter") | {"accept-language": "en"}) as socket:
        await socket.subscribe(TICKS)
        message = await socket.receive()
    assert message["type"] == "error"
    assert message["payload"][0]["extensions"] == {"code": "PERSISTED_QUERY_ONLY"}
    assert message["payload"][0]["message"] == "Only registered documents are served to you."


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [("https://app.example.test", True), ("own", True), ("https://evil.example.test", False), ("null", False)],
)
async def test_pages_of_other_origins_open_no_socket(graph: Graph, origin: str, is_let_in: bool) -> None:
    origin = graph.router.url if origin == "own" else origin
    if is_let_in:
        async with asking(address(graph), origin=origin):
            return
    with pytest.raises(InvalidStatus) as refused:
        async with asking(address(graph), origin=origin):
            pass
    assert refused.value.response.status_code == 403


async def test_sockets_are_served_at_the_graph_alone(graph: Graph) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with socket_to(f"ws://127.0.0.1:{graph.router.port}/files/academic/1"):
            pass
    assert refused.value.response.status_code == 404
    answer = await graph.client.post(
        "/graphql", json={"query": "{ school }"}, headers={"connection": "upgrade", "upgrade": "h2c"}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ('{"type": "subscribe", "id": "1", "payload": {"query": "{ a }"}}', 4401),
        ("{", 4400),
        (b"\x00", 4400),
        ("x" * 100_000, 1009),
        ('{"type": "connection_init", "payload": {"authorization": 1}}', 4400),
    ],
    ids=["not begun", "no JSON", "bytes", "longer than a frame", "no text"],
)
async def test_bad_sockets_are_closed(graph: Graph, first: Any, code: int) -> None:
    async with socket_to(address(graph)) as socket:
        await socket.connection.send(first)
        assert (await socket.end())[0] == code


async def test_the_protocol_is_kept(graph: Graph, tokens: Tokens) -> None:
    async with socket_to(address(graph), subprotocols=None) as socket:
        assert (await socket.end())[0] == 4406
    async with socket_to(address(graph)) as socket:
        assert (await socket.end(8))[0] == 4408
    async with asking(address(graph), tokens.bearer()) as socket:
        await socket.send(type="connection_init")
        assert (await socket.end())[0] == 4429


async def test_a_socket_has_a_bounded_number_of_subscriptions(graph: Graph, tokens: Tokens) -> None:
    async with asking(address(graph), tokens.bearer()) as socket:
        for _ in range(21):
            await socket.subscribe("subscription { ticks(every: 60, count: 1) }")
        message = await socket.receive()
    assert (message["id"], message["payload"][0]["extensions"]["code"]) == ("21", "BAD_REQUEST")


async def test_what_a_client_completes_or_leaves_ends_upstream_at_once(graph: Graph, tokens: Tokens) -> None:
    """Fails with generators in between, whose `return` waits for the next result."""
    academic = graph.subgraphs["academic"]
    silent = "subscription { ticks(every: 60, count: 1) }"
    async with asking(address(graph), tokens.bearer()) as socket:
        first = await socket.subscribe(silent)
        await socket.subscribe(silent)
        await academic.until_open(2)
        await socket.send(id=first, type="complete")
        await academic.until_open(1)
    await academic.until_open(0)
    headers = tokens.bearer() | {"accept": "text/event-stream"}
    async with graph.client.stream("POST", "/graphql", json={"query": silent}, headers=headers):
        await academic.until_open(1)
    await academic.until_open(0)
