"""A subgraph that fails is left alone, who needs it is told at once, and nobody else notices."""

import asyncio
import contextlib
import signal
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.ports import free_port
from tests.router.conftest import Graph, Router, StartRouter
from tests.router.processes import SubgraphProcess
from tests.router.subgraphs import Subgraph

TIMEOUT_MS = 1_000
SCHOOL = {"data": {"school": "SMA Gabriel Pereira"}}


@pytest.fixture(params=["lane", "planned"])
def way(request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings of both ways to a subgraph."""
    return {"WIYATA_ROUTER_FAST_LANE": "true" if request.param == "lane" else "false"}


@pytest.fixture
def academic() -> Iterator[SubgraphProcess]:
    process = SubgraphProcess("academic", free_port())
    process.start()
    yield process
    process.kill()


@pytest.fixture
async def apart(
    start_router: StartRouter, subgraphs: dict[str, Subgraph], academic: SubgraphProcess, way: dict[str, str]
) -> AsyncIterator[Graph]:
    """A router of its own over an academic in a process of its own."""
    router = start_router(**way, WIYATA_ACADEMIC_URL=academic.url, WIYATA_ROUTER_UPSTREAM_TIMEOUT_MS=str(TIMEOUT_MS))
    async with _client(router) as client:
        yield Graph(router, client, subgraphs)
    router.stop()


@pytest.fixture
async def alone(start_router: StartRouter, subgraphs: dict[str, Subgraph], way: dict[str, str]) -> AsyncIterator[Graph]:
    """A router of its own, whose circuits no other test has opened."""
    router = start_router(**way, WIYATA_ROUTER_UPSTREAM_TIMEOUT_MS=str(TIMEOUT_MS))
    for subgraph in subgraphs.values():
        subgraph.calls.clear()
    async with _client(router) as client:
        yield Graph(router, client, subgraphs)
    subgraphs["academic"].fault = None
    router.stop()


def _client(router: Router) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=router.url, timeout=20, limits=httpx.Limits(max_connections=None))


async def _state(graph: Graph) -> str:
    text = (await graph.client.get("/metrics")).text
    (line,) = [
        line
        for line in text.splitlines()
        if line.startswith('wiyata_router_circuit{subgraph="academic"') and line.endswith(" 1")
    ]
    return line.split('state="')[1].split('"')[0]


async def _seconds(graph: Graph, query: str) -> float:
    started = time.monotonic()
    assert (await graph.post(query)).status_code == 200
    return time.monotonic() - started


async def _usual(graph: Graph) -> float:
    """The median of some calls that do not need academic."""
    return statistics.median([await _seconds(graph, "{ outbox }") for _ in range(15)])


async def _open(graph: Graph, query: str = "{ school }") -> None:
    """Asks until the circuit is open."""
    for _ in range(10):
        if await _state(graph) == "open":
            return
        await asyncio.gather(*(graph.post(query) for _ in range(5)))
    raise AssertionError("the circuit stays closed")


async def _closed(graph: Graph) -> None:
    """Asks until the subgraph is found again."""
    for _ in range(100):
        if await graph.ask("{ school }") == SCHOOL:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the circuit stays open")


def _sockets(router: Router) -> int:
    found = 0
    for entry in Path(f"/proc/{router.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += str(entry.readlink()).startswith("socket:")
    return found


def _events(graph: Graph) -> list[str]:
    return [line["event"] for line in graph.router.log if line["event"].startswith("circuit_")]


def _code(answer: dict[str, Any]) -> str:
    (error,) = answer["errors"]
    assert error["extensions"]["subgraph"] == "academic"
    code: str = error["extensions"]["code"]
    return code


async def test_killed_subgraph_is_told_at_once_and_found_again(apart: Graph, academic: SubgraphProcess) -> None:
    """Fails without a breaker at the counter: every operation would go on trying to connect."""
    assert await apart.ask("{ school }") == SCHOOL
    before = await _usual(apart)
    academic.kill()
    await _open(apart)
    refused = await apart.client.get("/metrics")
    answer = await apart.ask("{ school outbox }")
    assert (answer["data"], _code(answer)) == ({"school": None, "outbox": 3}, "UNAVAILABLE")
    assert 'wiyata_router_calls_refused_total{subgraph="academic"}' in (await apart.client.get("/metrics")).text
    assert 'state="closed"} 0' in refused.text
    assert await _usual(apart) < 10 * before + 0.05
    academic.start()
    await _closed(apart)
    assert await _state(apart) == "closed"
    assert _events(apart) == ["circuit_opened", "circuit_closed"]


async def test_stopped_subgraph_keeps_nobody_waiting_but_the_first(apart: Graph, academic: SubgraphProcess) -> None:
    """Fails without a breaker (every call waits for the whole timeout) and without a limit of calls under way (a socket
    for each of the 400).
    """
    await _closed(apart)
    before, sockets = await _usual(apart), _sockets(apart.router)
    academic.signal(signal.SIGSTOP)
    waiting = []
    for _ in range(400):
        waiting.append(asyncio.create_task(apart.post("{ school }")))
        await asyncio.sleep(0.001)  # not all connections at once, which the kernel may refuse
    beside = []
    most = 0
    while not all(task.done() for task in waiting):
        beside.append(await _seconds(apart, "{ outbox }"))
        most = max(most, _sockets(apart.router))
        await asyncio.sleep(0.02)
    assert most - sockets < 400 + 256 + 20  # those of the clients, and the calls that may be under way
    assert {_code((await task).json()) for task in waiting} == {"UNAVAILABLE"}
    assert await _state(apart) in {"open", "half_open"}
    told = sorted([await _seconds(apart, "{ school }") for _ in range(10)])
    assert statistics.median(told) < TIMEOUT_MS / 1000 / 2  # at once, but for one that tries
    assert statistics.median([await _seconds(apart, "{ outbox }") for _ in range(15)]) < 10 * before + 0.05
    academic.signal(signal.SIGCONT)
    await _closed(apart)
    assert 'wiyata_router_calls_under_way{subgraph="academic"} 0' in (await apart.client.get("/metrics")).text


async def test_slow_subgraph_is_left_alone_and_others_keep_answering(apart: Graph) -> None:
    before = await _usual(apart)
    slow = [asyncio.create_task(apart.post("{ school(wait: 3) }")) for _ in range(20)]
    assert await _usual(apart) < 10 * before + 0.05
    assert {_code((await task).json()) for task in slow} == {"UNAVAILABLE"}
    assert await _state(apart) == "open"
    assert await _seconds(apart, "{ school(wait: 3) }") < TIMEOUT_MS / 1000 / 2
    await _closed(apart)


async def test_errors_a_subgraph_writes_itself_and_clients_that_leave_open_nothing(alone: Graph) -> None:
    for _ in range(8):
        assert "errors" in await alone.ask("{ classes }")
    for _ in range(8):
        with pytest.raises(httpx.ReadTimeout):
            await alone.client.post("/graphql", json={"query": "{ school(wait: 0.6) }"}, timeout=0.1)
    assert await alone.ask("{ school }") == SCHOOL
    assert (await _state(alone), _events(alone)) == ("closed", [])


@pytest.mark.parametrize("kind", ["query", "mutation"])
async def test_after_five_failures_in_a_row_nothing_is_sent(alone: Graph, kind: str) -> None:
    """A mutation is sent once, a query of the normal way twice: the breaker repeats nothing and hides no retry."""
    academic = alone.subgraphs["academic"]
    academic.fault = "html"
    field = "school" if kind == "query" else "enroll"
    for _ in range(4):
        await alone.ask(f"{kind} {{ {field} }}")
    academic.fault = None
    await alone.ask(f"{kind} {{ {field} }}")  # not in a row
    academic.fault = "html"
    for _ in range(5):
        await alone.ask(f"{kind} {{ {field} }}")
    sent = len(academic.operations)
    if kind == "mutation":
        assert sent == 10
    started = time.monotonic()
    assert _code(await alone.ask(f"{kind} {{ {field} }}")) == "UNAVAILABLE"
    assert time.monotonic() - started < 0.9
    assert len(academic.operations) == sent


async def test_a_subscription_is_not_sent_to_a_subgraph_that_fails(alone: Graph) -> None:
    alone.subgraphs["academic"].fault = "html"
    await _open(alone)
    stream = {"accept": "text/event-stream"}
    query = "subscription { ticks(every: 0.01, count: 2) }"
    assert "UNAVAILABLE" in (await alone.post(query, stream)).text
    alone.subgraphs["academic"].fault = None
    await _closed(alone)
    assert '"ticks":1' in (await alone.post(query, stream)).text
