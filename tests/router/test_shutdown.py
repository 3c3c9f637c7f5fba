"""A termination signal: what has begun is finished, whatever it is, and another router takes over."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from redis import Redis

from deploy.local.engines import Engines
from libs.kernel import new_id
from tests.router.conftest import Router, StartRouter, Tokens
from tests.router.subgraphs import Subgraph
from tests.sockets import asking

TICKS = "subscription { ticks(every: 0.05, count: 10000) }"
GRACE_SECONDS = 25


@pytest.fixture(params=["true", "false"], ids=["lane", "planned"])
def stopping(request: pytest.FixtureRequest, start_router: StartRouter) -> Router:
    """A router that the test stops, with either way to a subgraph."""
    return start_router(WIYATA_ROUTER_FAST_LANE=request.param)


@asynccontextmanager
async def kept(router: Router) -> AsyncIterator[httpx.AsyncClient]:
    """A client with one connection, which is open and idle."""
    async with httpx.AsyncClient(base_url=router.url, timeout=10, limits=httpx.Limits(max_connections=1)) as client:
        assert (await client.get("/health/live")).status_code == 200
        yield client


async def ended(router: Router) -> None:
    """The process ends by itself, well, within the time it has."""
    assert await asyncio.to_thread(router.process.wait, GRACE_SECONDS) == 0


async def test_whatever_is_under_way_is_finished(
    stopping: Router, tokens: Tokens, subgraphs: dict[str, Subgraph]
) -> None:
    """Trap 10, shutdown: fails with the runtime's own signal handler, which ends all upstream calls at once."""
    subgraphs["academic"].calls.clear()
    async with httpx.AsyncClient(base_url=stopping.url, timeout=10) as client:
        asked = {
            "{ school(wait: 1) }": {"school": "SMA Gabriel Pereira"},
            "{ school(wait: 1) outbox }": {"school": "SMA Gabriel Pereira", "outbox": 3},
            "mutation { enroll(wait: 1) }": {"enroll": "enrolled"},
        }
        under_way = [asyncio.create_task(client.post("/graphql", json={"query": query})) for query in asked]
        page = asyncio.create_task(client.get("/calendar/late.ics"))
        for _ in range(100):
            if len(subgraphs["academic"].calls) == 4:
                break
            await asyncio.sleep(0.01)
        stopping.process.send_signal(signal.SIGTERM)
        answers = [await task for task in under_way]
        assert [answer.json() for answer in answers] == [{"data": data} for data in asked.values()]
        assert {answer.headers["connection"] for answer in answers} == {"close"}
        assert ((await page).status_code, (await page).text) == (200, "late")
    assert len(subgraphs["academic"].calls) == 4
    await ended(stopping)


async def test_a_kept_connection_is_answered_once_more_and_a_new_one_refused(start_router: StartRouter) -> None:
    """Fails with `server.close()`, which cuts idle connections at once, with what a client has just sent on them."""
    router = start_router()
    async with kept(router) as probe, kept(router) as client, kept(router) as mutating:
        router.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.1)
        ready = await probe.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "down")
        assert set(ready.json()["checks"].values()) == {"ok"}  # it is the router that goes
        for each, query, data in (
            (client, "{ school }", {"school": "SMA Gabriel Pereira"}),
            (mutating, "mutation { enroll }", {"enroll": "enrolled"}),
        ):
            answer = await each.post("/graphql", json={"query": query})
            assert (answer.json(), answer.headers["connection"]) == ({"data": data}, "close")
            with pytest.raises(httpx.ConnectError):
                await each.get("/health/live")
    await ended(router)


async def test_a_stop_without_work_takes_no_time_of_its_own(start_router: StartRouter, tokens: Tokens) -> None:
    """Sockets and streams that would last for hours, and clients that stay, do not use up the time for what is under way."""
    router = start_router()
    url = f"ws://127.0.0.1:{router.port}/graphql"
    stream = {"accept": "text/event-stream"}
    async with (
        kept(router),
        asking(url, tokens.bearer()) as socket,
        httpx.AsyncClient(base_url=router.url, timeout=10) as client,
        client.stream("POST", "/graphql", json={"query": TICKS}, headers=stream) as events,
    ):
        await socket.subscribe(TICKS)
        await socket.told()
        router.process.send_signal(signal.SIGTERM)
        assert await socket.end() == (1012, "SERVICE_RESTART")
        with pytest.raises(httpx.RemoteProtocolError):  # cut, not ended: the client subscribes again
            async for _ in events.aiter_bytes():
                pass
        assert await asyncio.to_thread(router.process.wait, GRACE_SECONDS / 5) == 0


@dataclass
class Client:
    """Asks the first of the routers until it refuses the connection, then the next: as a proxy does. `used` is what the last one
    has counted when it answers for the first time, `failed` whatever was not answered well.
    """

    places: list[str]
    headers: dict[str, str]
    used: int = 0
    failed: list[Any] = field(default_factory=list)

    async def work(self, query: str, data: Any, over: asyncio.Event) -> None:
        async with httpx.AsyncClient(timeout=10) as client:
            while not over.is_set() or not self.used:
                try:
                    answer = await client.post(f"{self.places[0]}/graphql", json={"query": query}, headers=self.headers)
                except httpx.ConnectError:
                    del self.places[0]  # none left: the test fails
                    continue
                except httpx.HTTPError as fault:
                    self.failed.append((query, repr(fault)))
                    continue
                if answer.json() != {"data": data}:
                    self.failed.append((query, answer.text))
                if len(self.places) == 1 and not self.used and "x-ratelimit-limit" in answer.headers:
                    most, left = (int(answer.headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining"))
                    self.used = most - left
                await asyncio.sleep(0.1)  # nobody may write more than once a second for a minute


async def test_another_router_takes_over_and_no_request_is_lost(
    start_router: StartRouter, tokens: Tokens, engines: Engines
) -> None:
    """Fails with `server.close()`, see above. Counters go on where they were."""
    settings = {"WIYATA_VALKEY_URL": engines.valkey_url, "WIYATA_RATE_EXEMPT": ""}
    with Redis.from_url(engines.valkey_url) as valkey:
        valkey.flushall()
    leaving, staying = start_router(**settings), start_router(**settings)
    asked: list[tuple[str, Any]] = [
        ("{ school }", {"school": "SMA Gabriel Pereira"}),
        ("{ school(wait: 0.1) outbox }", {"school": "SMA Gabriel Pereira", "outbox": 3}),
        ("mutation { enroll }", {"enroll": "enrolled"}),
    ]
    people = [Client([leaving.url, staying.url], tokens.bearer(sub=str(new_id()))) for _ in range(12)]
    over = asyncio.Event()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for number, person in enumerate(people):
            group.create_task(person.work(*asked[number % len(asked)], over))
        await asyncio.sleep(2)
        leaving.process.send_signal(signal.SIGTERM)
        await ended(leaving)
        await asyncio.sleep(1)
        over.set()
    assert [person.failed for person in people] == [[]] * len(people)
    assert [person.places for person in people] == [[staying.url]] * len(people)
    assert min(person.used for person in people) > 2  # more than its own first answer
