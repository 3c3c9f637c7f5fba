"""Plain paths before a subgraph that fails: told at once, never sent twice, and no client can make it look dead."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from deploy.local.ports import free_port
from tests.router.conftest import Graph, StartRouter
from tests.router.subgraphs import Subgraph

TIMEOUT_SECONDS = 1.0
PAGE = "/calendar/x.ics"  # academic's
SCHOOL = {"data": {"school": "SMA Gabriel Pereira"}}


@pytest.fixture
async def alone(start_router: StartRouter, subgraphs: dict[str, Subgraph]) -> AsyncIterator[Graph]:
    """A router of its own, whose circuits no other test has opened."""
    router = start_router(WIYATA_ROUTER_UPSTREAM_TIMEOUT_MS=str(round(TIMEOUT_SECONDS * 1000)))
    subgraphs["academic"].calls.clear()
    async with httpx.AsyncClient(base_url=router.url, timeout=10) as client:
        yield Graph(router, client, subgraphs)
    subgraphs["academic"].fault = None
    router.stop()


async def _state(graph: Graph) -> str:
    text = (await graph.client.get("/metrics")).text
    mark = 'wiyata_router_circuit{subgraph="academic",state="'
    (line,) = [line for line in text.splitlines() if line.startswith(mark) and line.endswith(" 1")]
    return line.removeprefix(mark).split('"')[0]


def _code(answer: httpx.Response) -> tuple[int, str]:
    (error,) = answer.json()["errors"]
    assert error["extensions"]["correlationId"] == answer.headers["x-request-id"]
    return answer.status_code, error["extensions"]["code"]


async def _until_back(graph: Graph, method: str) -> None:
    """Asks the plain path until it is answered, for five seconds at most."""
    for _ in range(50):
        if (await graph.client.request(method, PAGE)).status_code == 200:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the circuit stays open")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_owner_that_hangs_keeps_five_waiting_and_then_nobody(alone: Graph, method: str) -> None:
    """Fails where plain paths go past the breaker: each waits for its timeout, and the graph learns nothing of it."""
    academic = alone.subgraphs["academic"]
    academic.fault = "hang"
    started = time.monotonic()
    first = await asyncio.gather(*(alone.client.request(method, PAGE) for _ in range(5)))
    assert TIMEOUT_SECONDS < time.monotonic() - started < 3 * TIMEOUT_SECONDS
    assert {_code(answer) for answer in first} == {(503, "UNAVAILABLE")}
    assert (await _state(alone), len(academic.calls)) == ("open", 5)
    started = time.monotonic()
    assert _code(await alone.client.request(method, PAGE, content=b"body")) == (503, "UNAVAILABLE")
    assert (await alone.ask("{ school }"))["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    assert time.monotonic() - started < TIMEOUT_SECONDS
    assert len(academic.calls) == 5
    refused = 'wiyata_router_calls_refused_total{subgraph="academic"} 2'
    assert refused in (await alone.client.get("/metrics")).text
    academic.fault = None
    await _until_back(alone, method)
    assert await _state(alone) == "closed"
    assert await alone.ask("{ school }") == SCHOOL


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_owner_that_is_not_there_opens_its_circuit(start_router: StartRouter, method: str) -> None:
    router = start_router(WIYATA_ACADEMIC_URL=f"http://127.0.0.1:{free_port()}/graphql")
    async with httpx.AsyncClient(base_url=router.url, timeout=10) as client:
        graph = Graph(router, client, {})
        answers = [await client.request(method, PAGE, content=b"body") for _ in range(6)]
        assert {_code(answer) for answer in answers} == {(503, "UNAVAILABLE")}
        assert await _state(graph) == "open"
        assert [line["event"] for line in router.log].count("forwarding_failed") == 5
    router.stop()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_nothing_is_sent_twice(alone: Graph, method: str) -> None:
    """Whatever the subgraph did before its connection broke, it did once: a link in a mail confirms by GET."""
    alone.subgraphs["academic"].fault = "reset"
    assert _code(await alone.client.request(method, PAGE, content=b"body")) == (503, "UNAVAILABLE")
    assert len(alone.subgraphs["academic"].calls) == 1


async def test_an_answer_of_whatever_status_fails_nobody(alone: Graph) -> None:
    for _ in range(8):
        assert (await alone.client.get("/calendar/broken.ics")).status_code == 500
    assert await _state(alone) == "closed"


async def test_clients_that_stop_sending_or_leave_make_no_owner_look_dead(alone: Graph) -> None:
    """Fails where a call counts from its first byte: eight clients that stop half way close a subgraph to everybody."""
    head = f"POST {PAGE} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf".encode()
    stalled = [await asyncio.open_connection("127.0.0.1", alone.router.port) for _ in range(8)]
    for _, writer in stalled:
        writer.write(head)
    for reader, _ in stalled:  # given up after the timeout, and told so
        assert b" 503 " in await asyncio.wait_for(reader.readline(), 5 * TIMEOUT_SECONDS)
    for _, writer in stalled:
        writer.close()
    for _ in range(8):
        with pytest.raises(httpx.ReadTimeout):
            await alone.client.get("/calendar/late.ics", timeout=0.1)
    assert await _state(alone) == "closed"
    assert 'wiyata_router_calls_under_way{subgraph="academic"} 0' in (await alone.client.get("/metrics")).text
    assert [line["event"] for line in alone.router.log].count("circuit_opened") == 0
    assert (await alone.client.get(PAGE)).status_code == 200
