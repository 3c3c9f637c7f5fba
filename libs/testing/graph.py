"""A client of one subgraph in process: the ASGI application, no socket, real tokens."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import httpx
from starlette.applications import Starlette

from libs.auth import Actor, TokenIssuer
from libs.kernel import utc_now
from libs.settings import Settings


@dataclass(frozen=True, slots=True)
class GraphAnswer:
    """What came back: HTTP status, data and errors."""

    status: int
    data: Any
    errors: list[dict[str, Any]]

    @property
    def codes(self) -> list[str]:
        """The codes of the errors, in order."""
        return [error.get("extensions", {}).get("code", "") for error in self.errors]

    def ok(self) -> Any:
        """The data of an answer without errors."""
        assert not self.errors, self.errors
        return self.data


class GraphClient:
    """Asks one application. `async with GraphClient(app, settings) as graph: await graph(query, actor=…)`."""

    def __init__(self, app: Starlette, settings: Settings) -> None:
        self._app = app
        self._issuer = TokenIssuer(settings)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")
        self._lifespan = app.router.lifespan_context(app)

    async def __aenter__(self) -> Self:
        await self._lifespan.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()
        await self._lifespan.__aexit__(None, None, None)

    def token(self, actor: Actor) -> str:
        """An access token that says exactly this actor."""
        return self._issuer.issue(actor, utc_now())

    async def __call__(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        actor: Actor | None = None,
        tenant_id: UUID | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> GraphAnswer:
        """Sends one operation, as an actor or as nobody."""
        sent = dict(headers or {})
        if actor is not None:
            sent["authorization"] = f"Bearer {self.token(actor)}"
        if tenant_id or (actor and actor.tenant_id != actor.home_tenant_id):
            sent["x-tenant-id"] = str(tenant_id or (actor and actor.tenant_id))
        body = {"query": query, "variables": _plain(variables or {})}
        response = await self.http.post("/graphql", json=body, headers=sent)
        answer = response.json()
        return GraphAnswer(response.status_code, answer.get("data"), answer.get("errors", []))

    @asynccontextmanager
    async def following(
        self, query: str, variables: Mapping[str, Any], *, actor: Actor
    ) -> AsyncIterator[Callable[[], Awaitable[GraphAnswer]]]:
        """A subscription of an actor over a socket in process: what is yielded waits for the next answer."""
        headers = {"authorization": f"Bearer {self.token(actor)}"}
        if actor.tenant_id != actor.home_tenant_id:
            headers["x-tenant-id"] = str(actor.tenant_id)
        payload = {"query": query, "variables": _plain(variables)}
        messages = (
            {"type": "connection_init", "payload": headers},
            {"type": "subscribe", "id": "1", "payload": payload},
        )
        given: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        given.put_nowait({"type": "websocket.connect"})
        for message in messages:
            given.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})
        told: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        scope = {"type": "websocket", "path": "/graphql", "query_string": b"", "headers": [], "client": ("test", 1)}
        serving = asyncio.create_task(
            self._app({**scope, "subprotocols": ["graphql-transport-ws"], "app": self._app}, given.get, told.put)
        )
        for expected in ("websocket.accept", "websocket.send"):
            assert (await told.get())["type"] == expected

        async def next_answer() -> GraphAnswer:
            message = json.loads((await told.get())["text"])
            if message["type"] == "error":
                return GraphAnswer(200, None, message["payload"])
            return GraphAnswer(200, message["payload"]["data"], message["payload"].get("errors", []))

        yield next_answer
        given.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await serving


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
