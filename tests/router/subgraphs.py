"""Three tiny subgraphs for the router to stand in front of: real ASGI servers, whose faults a test can order."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import strawberry
import uvicorn
from strawberry.asgi import GraphQL
from strawberry.federation import Schema
from strawberry.federation import field as federation_field
from strawberry.federation import type as federation_type
from strawberry.federation.schema_directives import Cost
from strawberry.types import Info

from libs.graph.fields import LIST_SIZE as PAGE
from libs.graph.fields import assumed_size
from tests.router.asgi import Receive, Send, answer, read, replay, reset, send_in_pieces, telling_whole


@dataclass
class Call:
    """One request as a subgraph received it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def _header(info: Info, name: str) -> str | None:
    request = info.context["request"]
    value: str | None = request.headers.get(name)
    return value


# ---------------------------------------------------------------- identity


@federation_type(keys=["id"])
class User:
    id: strawberry.ID
    name: str
    email: str | None = federation_field(requires_scopes=[["user:read"]], default="sri@example.test")
    friends: list["User"] = strawberry.field(default_factory=list)

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> "User | None":
        return None if id == "nobody" else cls(id=id, name="Sri")


@strawberry.type
class Seen:
    """What arrived of the headers."""

    tenant: str | None
    authorization: str | None


@strawberry.type
class IdentityQuery:
    @federation_field(authenticated=True)
    def me(self) -> User | None:
        return User(id=strawberry.ID("u1"), name="Sri", friends=[User(id=strawberry.ID("u2"), name="Adi")])

    @strawberry.field
    def nobody(self) -> User | None:
        return None

    @federation_field(requires_scopes=[["audit:read"]])
    def audit(self) -> str | None:
        return "secret"

    @strawberry.field
    async def seen(self, info: Info, wait: float = 0) -> Seen:
        await asyncio.sleep(wait)
        return Seen(tenant=_header(info, "x-tenant-id"), authorization=_header(info, "authorization"))


@strawberry.type
class IdentityMutation:
    @strawberry.mutation
    def login(self, email: str) -> str:
        return f"token of {email}"


# ---------------------------------------------------------------- academic


@federation_type(keys=["id"], name="User")
class AcademicUser:
    id: strawberry.ID
    student: str | None = "Siti"

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> "AcademicUser":
        return cls(id=id)


@strawberry.type
class Pupil:
    name: str = "Siti"
    mean: float | None = strawberry.field(default=80.5, directives=[Cost(weight=5)])
    user: AcademicUser | None = strawberry.field(default_factory=lambda: AcademicUser(id=strawberry.ID("u2")))
    friends: list["Pupil"] = strawberry.field(default_factory=list, directives=[assumed_size(10)])


@strawberry.type
class PupilEdge:
    node: Pupil


@strawberry.type
class Page:
    nodes: list[Pupil]
    edges: list[PupilEdge] = strawberry.field(default_factory=list)
    total_count: int = 1


class Refused(Exception):
    """What a subgraph says about its own field."""

    extensions = {"code": "FORBIDDEN", "permission": "class:read"}  # noqa: RUF012 - graphql-core reads it so


@strawberry.type
class AcademicQuery:
    @strawberry.field
    async def school(self, wait: float = 0) -> str | None:
        await asyncio.sleep(wait)
        return "SMA Gabriel Pereira"

    @strawberry.field
    def classes(self) -> list[str] | None:
        raise Refused("You may not see the classes.")

    @strawberry.field
    def years(self) -> list[str]:
        """May not be null, so that its refusal takes all data."""
        raise Refused("You may not see the years.")

    @strawberry.field
    def stranger(self) -> AcademicUser | None:
        """A reference that identity has no row for."""
        return AcademicUser(id=strawberry.ID("nobody"))

    @strawberry.field
    def level(self, of: int) -> int | None:
        return of

    @strawberry.field(directives=[assumed_size(10)])
    def pupils(self) -> list[Pupil]:
        return [Pupil()]

    @strawberry.field(directives=[PAGE])
    def pages(self, first: int | None = None, last: int | None = None) -> Page:
        return Page(nodes=[Pupil()] * min(first or last or 20, 100_000))  # a real one refuses so many


@strawberry.type
class AcademicMutation:
    @strawberry.mutation
    async def enroll(self, wait: float = 0) -> str | None:
        await asyncio.sleep(wait)
        return "enrolled"

    @strawberry.mutation
    async def tell(self, text: str) -> int:
        for told in _LISTENERS:
            told.put_nowait(text)
        return len(_LISTENERS)

    @strawberry.mutation
    def enroll_all(self) -> Pupil:
        return Pupil()


_LISTENERS: set[asyncio.Queue[str]] = set()


@strawberry.type
class AcademicSubscription:
    @strawberry.subscription
    async def news(self) -> AsyncIterator[str]:
        """What `tell` says, to everybody who listens."""
        told: asyncio.Queue[str] = asyncio.Queue()
        _LISTENERS.add(told)
        try:
            while True:
                yield await told.get()
        finally:
            _LISTENERS.remove(told)

    @strawberry.subscription
    async def flood(self, size: int, count: int) -> AsyncIterator[str]:
        for _ in range(count):
            yield "x" * size

    @strawberry.subscription
    async def ticks(self, every: float, count: int) -> AsyncIterator[int]:
        for number in range(count):
            await asyncio.sleep(every)
            yield number


# ---------------------------------------------------------------- notification


@federation_type(keys=["id"], name="User")
class NotificationUser:
    id: strawberry.ID
    notifications: list[str] | None = strawberry.field(default_factory=lambda: ["INVITED"])

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> "NotificationUser":
        return cls(id=id)


@strawberry.type
class NotificationQuery:
    @strawberry.field
    def outbox(self) -> int | None:
        return 3


# ---------------------------------------------------------------- operations, admission, finance


def quiet(name: str) -> Schema:
    """A subgraph that no test asks for more than its presence."""

    def here() -> str | None:
        return "here"

    query = strawberry.type(type("Query", (), {name: strawberry.field(here)}))
    return Schema(query=query, federation_version="2.9")


SCHEMAS = {
    "identity": Schema(query=IdentityQuery, mutation=IdentityMutation, federation_version="2.9"),
    "academic": Schema(
        query=AcademicQuery,
        mutation=AcademicMutation,
        subscription=AcademicSubscription,
        types=[AcademicUser],
        federation_version="2.9",
    ),
    **{name: quiet(name) for name in ("operations", "admission", "finance")},
    "notification": Schema(query=NotificationQuery, types=[NotificationUser], federation_version="2.9"),
}


@dataclass
class Subgraph:
    """A running subgraph: `calls` are the HTTP requests it got, `left` those whose client did not wait, `fault` is how it
    fails, `jwks` what identity publishes.
    """

    name: str
    calls: list[Call] = field(default_factory=list)
    left: list[Call] = field(default_factory=list)
    fault: str | None = None
    jwks: dict[str, Any] | None = None
    port: int = 0
    socket_params: list[dict[str, Any]] = field(default_factory=list)
    sockets_open: int = 0
    _server: uvicorn.Server | None = None
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._graph: Any = GraphQL(SCHEMAS[self.name], graphql_ide=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    @property
    def operations(self) -> list[Call]:
        """The calls to its graph."""
        return [call for call in self.calls if call.path == "/graphql"]

    async def until_open(self, number: int) -> None:
        """Waits until that many sockets are open, at most five seconds."""
        for _ in range(100):
            if self.sockets_open == number:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.sockets_open} sockets are open, not {number}")

    def start(self) -> None:
        """Serves on a port of its own, the same each time, until `stop`."""
        config = uvicorn.Config(
            self,
            host="127.0.0.1",
            port=self.port,
            log_config=None,
            lifespan="off",
            ws="websockets-sansio",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.should_exit = True
        self._thread.join(timeout=5)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            self.sockets_open += 1
            try:
                await self._graph(scope, self._noting_params(receive), send)
            finally:
                self.sockets_open -= 1
            return
        body = await read(receive)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        target = scope["raw_path"].decode() + (f"?{scope['query_string'].decode()}" if scope["query_string"] else "")
        self.calls.append(Call(scope["method"], target, headers, body))
        watching = asyncio.create_task(self._watch(receive, self.calls[-1]))
        try:
            await self._answer(scope, headers, body, send)
        finally:
            watching.cancel()

    async def _watch(self, receive: Receive, call: Call) -> None:
        await receive()  # after the body nothing comes but the end of the connection
        self.left.append(call)

    async def _answer(self, scope: dict[str, Any], headers: dict[str, str], body: bytes, send: Send) -> None:
        if self.fault is not None:
            await self._fail(send)
        elif scope["path"] == "/graphql":
            await self._graph(scope, replay(body), telling_whole(send))
        elif scope["path"] == "/.well-known/jwks.json" and self.jwks is not None:
            await answer(send, 200, json.dumps(self.jwks).encode())
        elif scope["path"] == "/health/ready":
            await answer(send, 200, b"{}")
        elif scope["path"] == "/account/page":
            await answer(
                send, 200, b"<p>page</p>", {"content-security-policy": "default-src 'nonce-x'", "server": "secret"}
            )
        elif scope["path"] == "/calendar/broken.ics":
            await answer(send, 500, b"broken")
        elif scope["path"] == "/calendar/late.ics":
            await asyncio.sleep(0.8)
            await answer(send, 200, b"late")
        elif scope["path"] == "/files/academic/large":
            await send_in_pieces(send, piece=b"x" * 65536, count=64)
        else:
            told = {"subgraph": self.name, "method": scope["method"], "headers": headers, "size": len(body)}
            await answer(send, 200, json.dumps(told).encode(), {"x-from": self.name})

    async def _fail(self, send: Send) -> None:
        if self.fault == "hang":
            await asyncio.sleep(3)
        if self.fault in {"reset", "reset once"}:
            self.fault = None if self.fault == "reset once" else self.fault
            reset(send)
        elif self.fault == "html":
            await answer(send, 502, b"<h1>Bad Gateway at db-1.internal</h1>")
        elif self.fault == "garbage":
            await answer(send, 200, b"{ Traceback (most recent call last): /srv/app.py")
        else:
            raise ConnectionAbortedError  # uvicorn closes the connection with a bare 500

    def _noting_params(self, receive: Receive) -> Receive:
        async def noting() -> Any:
            message = await receive()
            if text := message.get("text"):
                frame = json.loads(text)
                if frame["type"] == "ping" and self.fault == "deaf":
                    await asyncio.Event().wait()
                if frame["type"] == "connection_init":
                    self.socket_params.append(frame.get("payload") or {})
            return message

        return noting
