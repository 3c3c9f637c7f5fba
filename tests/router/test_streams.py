"""What ends subscriptions that nobody ended: restarts, reloads, clients that take nothing. Each is told why, and goes on."""

import asyncio
import json
import re
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.router.conftest import USUAL, Graph, Router, StartRouter, Tokens
from tests.router.subgraphs import Subgraph
from tests.sockets import Socket, asking

TICKS = "subscription { ticks(every: 0.1, count: 1000) }"
SILENT = "subscription { ticks(every: 60, count: 1) }"
FLOOD = "subscription { flood(size: 100000, count: 3000) }"
SUBSCRIBERS = 500
MOST_BYTES_EACH = 150_000


def address(router: Router) -> str:
    return f"ws://127.0.0.1:{router.port}/graphql"


@asynccontextmanager
async def stream(router: Router, query: str, headers: dict[str, str]) -> AsyncIterator[AsyncIterator[Any]]:
    """The results of a subscription over SSE."""
    async with (
        httpx.AsyncClient(base_url=router.url, timeout=10) as client,
        client.stream(
            "POST", "/graphql", json={"query": query}, headers=headers | {"accept": "text/event-stream"}
        ) as answer,
    ):

        async def results() -> AsyncIterator[Any]:
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    yield json.loads(line[6:])

        yield results()


@pytest.fixture
def restartable() -> Iterator[Subgraph]:
    """An academic of the test's own."""
    made = Subgraph("academic")
    made.start()
    yield made
    made.stop()


async def test_a_restart_of_a_subgraph_is_told_and_who_subscribes_again_goes_on(
    start_router: StartRouter, restartable: Subgraph, tokens: Tokens
) -> None:
    """Fails with the runtime's WebSocket transport: it connects again by itself, and nobody learns what was missed."""
    router = start_router(WIYATA_ACADEMIC_URL=restartable.url)
    async with asking(address(router), tokens.bearer()) as socket, stream(router, TICKS, tokens.bearer()) as events:
        await socket.subscribe(TICKS)
        assert await socket.told() == {"ticks": 0}
        assert await anext(events) == {"data": {"ticks": 0}}
        await asyncio.to_thread(restartable.stop)
        while (message := await socket.receive())["type"] == "next" and "errors" not in message["payload"]:
            pass
        (error,) = message["payload"]["errors"]
        assert error["extensions"].items() >= {"code": "UNAVAILABLE", "subgraph": "academic"}.items()
        assert "127.0.0.1" not in json.dumps(message)
        assert (await socket.receive())["type"] == "complete"
        *_, last = [event async for event in events]
        assert last["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        await socket.subscribe(TICKS)
        assert await socket.ending() == "UNAVAILABLE"
        restartable.start()
        await socket.subscribe(TICKS)
        assert await socket.told() == {"ticks": 0}


@pytest.mark.deep
async def test_a_subgraph_without_a_sign_of_life_ends_what_it_told(graph: Graph, tokens: Tokens) -> None:
    """Fails without pings upstream: a stopped process keeps its connections, and clients wait for ever."""
    async with asking(address(graph.router), tokens.bearer()) as socket:
        await socket.subscribe(SILENT)
        graph.subgraphs["academic"].fault = "deaf"
        assert await socket.ending(40) == "UNAVAILABLE"


async def test_a_new_supergraph_ends_subscriptions_and_who_subscribes_again_goes_on(
    start_router: StartRouter, supergraph: Path, tokens: Tokens, tmp_path: Path
) -> None:
    copy = tmp_path / "supergraph.graphql"
    shutil.copy(supergraph, copy)
    router = start_router(WIYATA_SUPERGRAPH=str(copy))
    async with asking(address(router), tokens.bearer()) as socket, stream(router, SILENT, tokens.bearer()) as events:
        await socket.subscribe(SILENT)
        await asyncio.sleep(0.3)
        copy.write_text(re.sub(r"\n +level\(of: Int!\).*", "", copy.read_text()))
        assert await socket.ending() == "UNAVAILABLE"
        *_, last = [event async for event in events]
        assert last["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        await socket.subscribe(TICKS)
        assert await socket.told() == {"ticks": 0}


async def test_a_termination_signal_ends_sockets_last_and_asks_to_connect_again(
    start_router: StartRouter, tokens: Tokens
) -> None:
    """Fails with `server.close()` alone, which waits for upgraded connections as long as they last."""
    router = start_router()
    async with (
        httpx.AsyncClient(base_url=router.url, timeout=10) as client,
        asking(address(router), tokens.bearer()) as socket,
    ):
        await socket.subscribe(TICKS)
        await socket.told()
        under_way = asyncio.create_task(client.post("/graphql", json={"query": "mutation { enroll(wait: 1) }"}))
        await asyncio.sleep(0.3)
        router.process.send_signal(signal.SIGTERM)
        assert (await under_way).json() == {"data": {"enroll": "enrolled"}}
        await socket.told()  # not before the mutation's answer
        assert await socket.end() == (1012, "SERVICE_RESTART")
    assert await asyncio.to_thread(router.process.wait, 5) == 0


async def test_a_socket_that_takes_nothing_is_dropped_with_a_reason(graph: Graph, tokens: Tokens) -> None:
    """Fails with graphql-ws's own iterator, which keeps what the client has not taken without bound."""
    academic = graph.subgraphs["academic"]
    before = await memory(graph)
    async with (
        asking(address(graph.router), tokens.bearer(), max_queue=1) as slow,
        asking(address(graph.router), tokens.bearer()) as quick,
    ):
        await quick.subscribe(TICKS)
        await slow.subscribe(FLOOD)
        await academic.until_open(2)
        await academic.until_open(1)
        assert await memory(graph) - before < 64 * 2**20
        assert await slow.end() == (1013, "SLOW_CLIENT")
        await quick.told()


async def test_an_event_stream_that_takes_nothing_is_dropped(graph: Graph, tokens: Tokens) -> None:
    academic = graph.subgraphs["academic"]
    before = await memory(graph)
    async with stream(graph.router, FLOOD, tokens.bearer()) as events:
        await academic.until_open(1)
        await academic.until_open(0)
        assert await memory(graph) - before < 64 * 2**20
        *_, last = [event async for event in events]
    assert last["errors"][0]["extensions"]["code"] == "SLOW_CLIENT"


async def memory(graph: Graph) -> int:
    """Resident memory of the router, bytes."""
    found = re.search(r"^process_resident_memory_bytes (\d+)", (await graph.client.get("/metrics")).text, re.MULTILINE)
    assert found is not None
    return int(found[1])


async def test_five_hundred_idle_subscribers_are_all_told(
    start_router: StartRouter, subgraphs: dict[str, Subgraph], tokens: Tokens, record_property: Any
) -> None:
    router = start_router(**USUAL)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=router.url, timeout=30))
        graph = Graph(router, client, subgraphs)
        before = await memory(graph)
        sockets: list[Socket] = []
        for number in range(SUBSCRIBERS):
            socket = await stack.enter_async_context(asking(address(router), tokens.bearer(sub=f"u{number}")))
            await socket.subscribe("subscription { news }")
            sockets.append(socket)
        await subgraphs["academic"].until_open(SUBSCRIBERS)
        grown = await memory(graph) - before
        record_property("bytes_each", grown // SUBSCRIBERS)
        assert grown < SUBSCRIBERS * MOST_BYTES_EACH
        listening = 0
        while listening < SUBSCRIBERS:
            listening = (await graph.ask('mutation { tell(text: "now") }'))["data"]["tell"]
            await asyncio.sleep(0.2)
        assert [await socket.told() for socket in sockets] == [{"news": "now"}] * SUBSCRIBERS
        assert f"wiyata_router_sockets {SUBSCRIBERS}" in (await client.get("/metrics")).text
