"""Dear documents wait for their turn: twenty of a dashboard leave an app's queries as quick as they were."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from libs.kernel import new_id
from tests.router.conftest import Graph, StartRouter, Tokens
from tests.router.subgraphs import Call, Subgraph

DEAR = "pupils { friends { friends { friends { name } } } }"  # 11,110, of which this academic has ten
SMALL = "{ outbox }"


@pytest.fixture(params=["lane", "planned"])
async def alone(
    request: pytest.FixtureRequest, start_router: StartRouter, subgraphs: dict[str, Subgraph]
) -> AsyncIterator[Graph]:
    """A router of its own, where nobody else is waiting."""
    router = start_router(WIYATA_ROUTER_FAST_LANE="true" if request.param == "lane" else "false")
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=router.url, timeout=20, limits=limits) as client:
        graph = Graph(router, client, subgraphs)
        await graph.mend()
        subgraphs["academic"].calls.clear()
        subgraphs["academic"].left.clear()
        yield graph
    router.stop()


def _dashboard(tokens: Tokens, school: str) -> dict[str, str]:
    return tokens.bearer(school, permissions=["graph:adhoc"])


def _dear(graph: Graph, headers: dict[str, str], wait: float) -> "asyncio.Task[httpx.Response]":
    return asyncio.create_task(graph.post(f"{{ school(wait: {wait}) {DEAR} }}", headers))


async def _until(condition: Any) -> None:
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never happens")


def _dear_ones(calls: list[Call]) -> list[Call]:
    return [call for call in calls if b"friends" in call.body]


async def _gauge(graph: Graph, state: str) -> int:
    text = (await graph.client.get("/metrics")).text
    (line,) = [line for line in text.splitlines() if line.startswith(f'wiyata_router_dear_documents{{state="{state}"')]
    return int(line.split()[-1])


async def _seconds(graph: Graph, headers: dict[str, str]) -> float:
    started = time.monotonic()
    assert await graph.ask(SMALL, headers) == {"data": {"outbox": 3}}
    return time.monotonic() - started


async def test_twenty_dear_documents_at_once_leave_an_app_alone(alone: Graph, tokens: Tokens) -> None:
    """Fails without turns: all twenty are sent to the subgraph at once."""
    schools = [str(new_id()) for _ in range(5)]
    app = tokens.bearer(schools[0])
    before = statistics.median([await _seconds(alone, app) for _ in range(15)])
    dear = [_dear(alone, _dashboard(tokens, school), wait=0.2) for school in schools * 4]
    beside = []
    most = 0
    while not all(task.done() for task in dear):
        beside.append(await _seconds(alone, app))
        most = max(most, await _gauge(alone, "running"))
    assert most == 3
    assert statistics.median(beside) < 5 * before + 0.05
    assert [(await task).status_code for task in dear] == [200] * 20
    assert len(_dear_ones(alone.subgraphs["academic"].operations)) == 20
    assert (await _gauge(alone, "running"), await _gauge(alone, "waiting")) == (0, 0)


async def test_a_school_has_one_at_a_time_and_the_others_need_not_wait_for_it(alone: Graph, tokens: Tokens) -> None:
    academic = alone.subgraphs["academic"]
    greedy, modest = (_dashboard(tokens, str(new_id())) for _ in range(2))
    first = [_dear(alone, greedy, wait=1) for _ in range(3)]
    await _until(lambda: len(academic.operations) == 1)
    other = await asyncio.wait_for(_dear(alone, modest, wait=0), timeout=5)
    assert other.status_code == 200
    assert not any(task.done() for task in first)
    assert len(academic.operations) == 2
    assert {answer.status_code for answer in await asyncio.gather(*first)} == {200}


async def test_in_a_batch_each_waits_for_its_turn(alone: Graph, tokens: Tokens) -> None:
    """Fails where a batch has one turn for all, and where a turn ends with the whole answer: the second would wait for ever."""
    academic = alone.subgraphs["academic"]
    batch = [{"query": f"{{ school(wait: 0.3) {DEAR} }}"}] * 3 + [{"query": SMALL}]
    headers = _dashboard(tokens, str(new_id()))
    asked = asyncio.create_task(alone.client.post("/graphql", json=batch, headers=headers))
    most = 0
    while not asked.done():
        most = max(most, await _gauge(alone, "running"))
    answer = await asked
    assert [set(each) for each in answer.json()] == [{"data"}] * 4
    assert len(_dear_ones(academic.operations)) == 3
    assert most == 1
    assert (await _gauge(alone, "running"), await _gauge(alone, "waiting")) == (0, 0)
    begun = [asyncio.create_task(alone.client.post("/graphql", json=batch, headers=headers)) for _ in range(3)]
    await _until(lambda: len(_dear_ones(academic.operations)) > 3)
    for each in begun:
        each.cancel()
    for _ in range(200):
        if await _gauge(alone, "running") + await _gauge(alone, "waiting") == 0:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("a place is never freed")


async def test_what_a_school_may_have_waiting_is_bounded(alone: Graph, tokens: Tokens) -> None:
    headers = _dashboard(tokens, str(new_id()))
    waiting = [_dear(alone, headers, wait=0.1) for _ in range(15)]
    answers = await asyncio.gather(*waiting)
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 15 - 1 - 8
    for answer in refused:
        assert answer.headers["retry-after"] == "5"
        assert answer.json()["errors"][0]["extensions"] == {"code": "RATE_LIMITED", "retryAfter": 5}
    assert len(_dear_ones(alone.subgraphs["academic"].operations)) == 9


async def test_what_all_schools_may_have_waiting_is_bounded(alone: Graph, tokens: Tokens) -> None:
    waiting = [
        _dear(alone, _dashboard(tokens, str(new_id())), wait=0.5) for _ in range(40)
    ]  # long enough for all to come
    answers = await asyncio.gather(*waiting)
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) == 40 - 3 - 32
    for answer in refused:
        assert answer.headers["retry-after"] == "5"
        assert answer.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE", "retryAfter": 5}


async def test_who_leaves_frees_the_place_and_ends_the_call(alone: Graph, tokens: Tokens) -> None:
    academic = alone.subgraphs["academic"]
    headers = _dashboard(tokens, str(new_id()))
    running = _dear(alone, headers, wait=4)
    await _until(lambda: len(academic.operations) == 1)
    waiting = _dear(alone, headers, wait=3)
    next_one = _dear(alone, headers, wait=0)
    await asyncio.sleep(0.2)
    waiting.cancel()
    await asyncio.sleep(0.2)
    assert len(academic.operations) == 1
    running.cancel()
    assert (await asyncio.wait_for(next_one, timeout=3)).status_code == 200
    await _until(lambda: len(academic.left) == 1)
    assert (academic.left[0] is academic.operations[0], len(academic.operations)) == (True, 2)
    assert [line["event"] for line in alone.router.log if line["event"] == "subgraph_unavailable"] == []


async def test_a_mutation_is_finished_though_its_client_has_left(alone: Graph) -> None:
    """Fails with `upstreamCancellation`, which cuts mutations off too."""
    with pytest.raises(httpx.ReadTimeout):
        await alone.client.post("/graphql", json={"query": "mutation { enroll(wait: 0.5) }"}, timeout=0.2)
    await asyncio.sleep(0.6)
    assert (len(alone.subgraphs["academic"].operations), alone.subgraphs["academic"].left) == (1, [])


async def test_who_waits_too_long_is_told(alone: Graph, tokens: Tokens) -> None:
    headers = _dashboard(tokens, str(new_id()))
    first = _dear(alone, headers, wait=12)
    await _until(lambda: len(alone.subgraphs["academic"].operations) == 1)
    answer = await asyncio.wait_for(_dear(alone, headers, wait=0), timeout=15)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert (await first).status_code == 200
