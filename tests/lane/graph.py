"""The six real subgraphs, each at a port of its own, with two routers over them: one with the fast lane, one without."""

import asyncio
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

from libs.auth import Actor, TokenIssuer
from libs.kernel import utc_now
from libs.settings import Settings
from tests.reads.world import tenant_of
from tests.router.conftest import ROOT, Router

SECONDS = 30
"""Until an answer, or the start of the subgraphs, is given up."""
_TAKEN = re.compile(r'^wiyata_router_fast_lane_total\{subgraph="(\w+)"\} (\d+)$', re.MULTILINE)
ENVIRONMENTS = ("test", "development")
"""In development an answer tells besides what it cost."""


@contextmanager
def serving(apps: dict[str, Starlette]) -> Iterator[dict[str, str]]:
    """The address of each application while the block runs: all in one thread, as none waits for another."""
    servers = {
        name: uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, ws="websockets-sansio"))
        for name, app in apps.items()
    }

    async def serve() -> None:
        await asyncio.gather(*(server.serve() for server in servers.values()))

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    deadline = time.monotonic() + SECONDS
    while not all(server.started for server in servers.values()):
        assert thread.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield {
        name: f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}" for name, server in servers.items()
    }
    for server in servers.values():
        server.should_exit = True
    thread.join(SECONDS)


@dataclass
class Way:
    """One of the two ways an operation can go."""

    router: Router

    @cached_property
    def client(self) -> httpx.AsyncClient:
        """Made in the loop that uses it."""
        return httpx.AsyncClient(base_url=self.router.url, timeout=SECONDS)

    async def taken(self) -> Counter[str]:
        """How many answers went by the lane, by subgraph."""
        text = (await self.client.get("/metrics")).text
        return Counter({name: int(count) for name, count in _TAKEN.findall(text)})

    async def close(self) -> None:
        """Leaves, so that another loop can use it."""
        await self.client.aclose()
        del self.client


@dataclass
class Answers:
    """What the lane and the normal way answer the same request."""

    lane: httpx.Response
    normal: httpx.Response

    def check(self, *, of_many: bool = False) -> httpx.Response:
        """One of them, when nobody can tell them apart: status, headers, and every byte of the body."""
        lane, normal = (seen(each, of_many=of_many) for each in (self.lane, self.normal))
        assert lane == normal, f"\n{lane}\n{normal}\n{self.lane.request.content.decode()}"
        return self.lane


_OWN_HEADERS = {"date", "content-length", "transfer-encoding", "connection", "keep-alive", "x-ratelimit-reset"}
"""Of the connection and the moment; a body that is known to its end has a length."""
_UNTIL = b"?expires="
"""What follows it in an address belongs to the moment of asking."""
_SPACE = re.compile(rb'("(?:[^"\\]|\\.)*")|\s+')
"""PostgreSQL writes a space after the comma of a list; a string is kept as it is."""


def seen(answer: httpx.Response, *, of_many: bool) -> Any:
    """All that a client sees of an answer: of its body every token as it is written, in its order.

    Subgraphs tell their errors in the order in which they answer, and the first of those that take all data may end the others: where
    `of_many` can be asked, errors have no order, and without data it does not matter which they are.
    """
    body, own = _SPACE.sub(rb"\1", answer.content), _OWN_HEADERS
    if of_many and b'"errors":' in body:
        told, own = answer.json(), own | {"etag"}
        if "data" in told:
            told["errors"] = told["data"] and sorted(told["errors"], key=json.dumps)
        body = json.dumps(told).encode()
    headers = sorted((name, value) for name, value in answer.headers.multi_items() if name not in own)
    body, *signed = body.split(_UNTIL)
    return answer.status_code, headers, [body, *(each.partition(b'"')[2] for each in signed)]


@dataclass
class BothWays:
    """Both routers, and who asks them."""

    settings: Settings
    lane: Way
    normal: Way
    environment: str
    _tokens: dict[Actor, str] = field(default_factory=dict)

    def token_of(self, actor: Actor) -> str:
        """An access token that says exactly this actor: the same as long as it is asked for."""
        if actor not in self._tokens:
            self._tokens[actor] = TokenIssuer(self.settings).issue(actor, utc_now())
        return self._tokens[actor]

    def headers_of(self, actor: Actor | None, school: str) -> dict[str, str]:
        """The headers of somebody's requests in a school."""
        tenant = {"x-tenant-id": str(tenant_of(school))}
        return {"authorization": f"Bearer {self.token_of(actor)}", **tenant} if actor else tenant

    async def send(self, method: str = "POST", path: str = "/graphql", **request: Any) -> Answers:
        """The same request by both ways, with one name, which errors repeat."""
        headers = {"x-request-id": "both-ways", **request.pop("headers", {})}
        answers = [
            await way.client.request(method, path, headers=headers, **request) for way in (self.lane, self.normal)
        ]
        return Answers(*answers)

    async def close(self) -> None:
        """Leaves both."""
        await self.lane.close()
        await self.normal.close()


@contextmanager
def both_routers(settings: Settings, urls: dict[str, str], environment: str, **given: str) -> Iterator[BothWays]:
    """Two routers over the same subgraphs. Each has documents and counters of its own, as if it were alone."""
    upstream = {f"WIYATA_{name.upper()}_URL": f"{url}/graphql" for name, url in urls.items()}
    valkey = settings.valkey_url.rpartition("/")[0]
    common = {
        "WIYATA_ENVIRONMENT": environment,
        "WIYATA_SUPERGRAPH": str(ROOT / "schema" / "supergraph.graphql"),
        "WIYATA_RATE_EXEMPT": "127.0.0.0/8",
        "WIYATA_TOKEN_ISSUER": settings.token_issuer,
        "WIYATA_TOKEN_AUDIENCE": settings.token_audience,
        **upstream,
        **given,
    }
    with ExitStack() as stack:
        ways = []
        for number, has_lane in enumerate(("true", "false"), 1):
            router = Router(**common, WIYATA_ROUTER_FAST_LANE=has_lane, WIYATA_VALKEY_URL=f"{valkey}/{number}")
            stack.callback(router.stop)
            ways.append(Way(router))
        yield BothWays(settings, *ways, environment)
