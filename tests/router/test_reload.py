"""The supergraph is replaced while clients of every kind are at work: none of them loses a request."""

import asyncio
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.router.conftest import USUAL, Router, StartRouter, Tokens
from tests.sockets import asking

SCHOOL = "SMA Gabriel Pereira"
TICKS = "subscription { ticks(every: 0.05, count: 100000) }"
LOOPS: dict[str, tuple[str, Any]] = {
    "lane": ("{ school }", {"school": SCHOOL}),
    "lane, slow": ("{ school(wait: 0.4) }", {"school": SCHOOL}),
    "mixed": ("{ school outbox }", {"school": SCHOOL, "outbox": 3}),
    "mixed, slow": ("{ school(wait: 0.4) outbox }", {"school": SCHOOL, "outbox": 3}),
    "of two": ("{ me { name student notifications } }", {"me": {"name": "Sri", "student": "Siti", "notifications": ["INVITED"]}}),
    "mutation": ("mutation { enroll }", {"enroll": "enrolled"}),
    "mutation, slow": ("mutation { enroll(wait: 1.3) }", {"enroll": "enrolled"}),
}  # fmt: skip


@dataclass
class Clients:
    """Loops that ask until they are told to stop; `failed` are answers that are not the right ones."""

    router: Router
    headers: dict[str, str]
    over: asyncio.Event = field(default_factory=asyncio.Event)
    asked: Counter[str] = field(default_factory=Counter)
    failed: list[Any] = field(default_factory=list)
    told: int = 0

    async def ask(self, name: str) -> None:
        """One loop over a connection of its own."""
        query, data = LOOPS[name]
        async with httpx.AsyncClient(base_url=self.router.url, timeout=10) as client:
            while not self.over.is_set():
                self.asked[name] += 1
                try:
                    answer = await client.post("/graphql", json={"query": query}, headers=self.headers)
                    right = answer.status_code == 200 and answer.json() == {"data": data}
                    told: Any = answer.text
                except httpx.HTTPError as fault:
                    right, told = False, repr(fault)
                if not right:
                    self.failed.append((name, told))
                await asyncio.sleep(0.005)

    async def subscribe(self) -> None:
        """Listens over a WebSocket that stays open, and subscribes again whenever the subscription ends as a reload ends it."""
        async with asking(f"ws://127.0.0.1:{self.router.port}/graphql", self.headers) as socket:
            await socket.subscribe(TICKS)
            while not self.over.is_set():
                try:
                    message = await socket.receive()
                except (TimeoutError, ConnectionClosed) as fault:
                    self.failed.append(("subscription", repr(fault)))
                    return
                errors = message.get("payload", {}).get("errors") if message["type"] == "next" else None
                if errors and errors[0]["extensions"]["code"] != "UNAVAILABLE":
                    self.failed.append(("subscription", message))
                if message["type"] == "complete":
                    await socket.subscribe(TICKS)
                self.told += message["type"] == "next" and not errors


async def until(condition: Callable[[], bool]) -> None:
    """At most ten seconds."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never happens")


async def served(client: httpx.AsyncClient, *, is_there: bool) -> None:
    """Waits until the field that comes and goes is there, or no more."""
    for _ in range(200):
        answer = (await client.post("/graphql", json={"query": "{ level(of: 1) }"})).json()
        if ("data" in answer) is is_there:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the new supergraph is never served")


@pytest.mark.parametrize("lane", ["true", "false"], ids=["lane", "planned"])
async def test_reloads_under_load_lose_no_request(
    start_router: StartRouter, supergraph: Path, tokens: Tokens, tmp_path: Path, lane: str
) -> None:
    """Trap 10: fails without `gracefulSchemaReload`, where each reload ends the mutations under way. Fails for the broken files
    where the runtime alone says what can be served: nothing is logged, and every request tries the file again.
    """
    copy = tmp_path / "supergraph.graphql"
    shutil.copy(supergraph, copy)
    whole = copy.read_text()
    poor = re.sub(r"\n +level\(of: Int!\).*", "", whole)
    router = start_router(**USUAL, WIYATA_SUPERGRAPH=str(copy), WIYATA_ROUTER_FAST_LANE=lane)
    clients = Clients(router, tokens.bearer())
    async with httpx.AsyncClient(base_url=router.url, timeout=10) as client, asyncio.TaskGroup() as group:
        loops = [group.create_task(clients.ask(name)) for name in LOOPS]
        loops.append(group.create_task(clients.subscribe()))
        try:
            await until(lambda: clients.told > 0 and len(clients.asked) == len(LOOPS))
            for text in (poor, whole, poor):
                copy.write_text(text)
                await served(client, is_there=text is whole)
            before = clients.told
            for number, broken in enumerate(
                ("type Query {", whole[: whole.rindex("\n}\n") // 2], SDL_OF_NO_SUPERGRAPH)
            ):
                copy.write_text(broken)
                await until(lambda: events(router) == number + 1)  # noqa: B023 - awaited at once
            copy.unlink()
            await until(lambda: events(router) == 4)
            await served(client, is_there=False)
            await until(lambda: clients.told > before + 10)
            copy.write_text(whole)
            await served(client, is_there=True)
        finally:
            clients.over.set()
            await asyncio.wait(loops, timeout=10)
    assert clients.failed == []
    assert min(clients.asked.values()) > 3
    router.stop()


SDL_OF_NO_SUPERGRAPH = "type Query { school: String }"


def events(router: Router) -> int:
    return [line["event"] for line in router.log].count("supergraph_refused")
