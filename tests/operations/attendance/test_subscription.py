"""attendanceRecorded over a socket: who is told what, and what ends it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from libs.auth import Actor, Revocations, TokenIssuer
from libs.kernel import new_id, utc_now
from libs.settings import Settings
from libs.testing import actor_of
from subgraphs.operations.app import create_app
from subgraphs.operations.attendance.rules import AttendanceStatus
from tests.operations.attendance.scene import Scene
from tests.operations.world import World
from tests.sockets import Socket, asking, socket_to

RECORDED = "subscription($class: ID!) { attendanceRecorded(classId: $class) { id date status notes } }"
QUIET_SECONDS = 1.0
SICK, LATE = AttendanceStatus.SICK, AttendanceStatus.LATE

pytestmark = pytest.mark.usefixtures("relayed")

Follow = Callable[..., AbstractAsyncContextManager[Socket]]


@pytest.fixture
def follow(here: Scene, socket_url: str) -> Follow:
    """`follow(actor, at=0)`: an actor who has subscribed to the class at this place."""

    @asynccontextmanager
    async def following(actor: Actor, at: int = 0, *, token: str | None = None) -> AsyncIterator[Socket]:
        headers = {"authorization": f"Bearer {token or here.graph.token(actor)}"}
        async with asking(socket_url, headers) as socket:
            await socket.subscribe(RECORDED, **{"class": str(here.classes[at])})
            await asyncio.sleep(0.3)  # nothing says that it has begun
            yield socket

    return following


async def told(socket: Socket, count: int) -> list[str]:
    """The statuses of the next marks, and that no other follows."""
    marks = [(await socket.told())["attendanceRecorded"]["status"] for _ in range(count)]
    assert await socket.is_silent(QUIET_SECONDS)
    return marks


async def test_everybody_is_told_what_is_theirs_to_see(here: Scene, follow: Follow):
    """Pupils 0 and 1 sit in the class, 2 in another one."""
    async with (
        follow(here.actors["principal"]) as principal,
        follow(here.actors["homeroom"]) as homeroom,
        follow(here.actors["parent"]) as parent,
        follow(here.actors["principal"], 1) as elsewhere,
    ):
        await here.mark((0, 0, SICK), (1, 0, LATE), (2, 0, LATE))
        expected = ((principal, 2), (homeroom, 2), (parent, 1), (elsewhere, 1))
        assert [sorted(await told(socket, count)) for socket, count in expected] == [
            ["LATE", "SICK"],
            ["LATE", "SICK"],
            ["SICK"],
            ["LATE"],
        ]
        await here.mark((0, 0, SICK), (1, 0, SICK))  # the first says nothing new
        assert await told(principal, 1) == ["SICK"]
        assert await told(parent, 0) == []


@pytest.mark.parametrize("actor", ["teacher", "finance_staff", "parent of another", "elsewhere", "nobody"])
async def test_who_sees_nothing_of_a_class_is_refused(here: Scene, follow: Follow, other_world: World, actor: str):
    actors = here.actors | {
        "parent of another": actor_of("parent", here.world.tenant_id, student_ids=(here.students[2],)),
        "elsewhere": actor_of("principal", other_world.tenant_id),
        "nobody": actor_of("parent", here.world.tenant_id),
    }
    async with follow(actors[actor]) as socket:
        await here.mark((0, 0, SICK))
        assert await socket.refusal() == "FORBIDDEN"
        assert await socket.is_silent(QUIET_SECONDS)


async def test_a_token_that_ends_or_is_revoked_ends_what_it_began(here: Scene, follow: Follow, settings: Settings):
    actor = here.actors["principal"]
    soon = utc_now() - timedelta(seconds=settings.access_token_seconds - 2)
    async with follow(actor, token=TokenIssuer(settings).issue(actor, soon)) as socket:
        assert await socket.refusal() == "TOKEN_EXPIRED"
        assert await socket.end() == (4403, "TOKEN_EXPIRED")
    revocations = Revocations(settings)
    async with follow(here.actors["homeroom"]) as socket, follow(actor) as other:
        await revocations.publish(here.actors["homeroom"].user_id, 2)
        assert await socket.refusal(5) == "UNAUTHENTICATED"
        assert await socket.end() == (4403, "UNAUTHENTICATED")
        await here.mark((0, 0, SICK))
        assert await told(other, 1) == ["SICK"]
    await revocations.close()


async def test_a_suspended_school_is_told_nothing_more(here: Scene, follow: Follow):
    async with follow(here.actors["principal"]) as socket:
        suspend = "update operations.tenants set status = 'SUSPENDED', updated_at = now() where id = %s"
        here.world.as_owner("operations", suspend, (here.world.tenant_id,))
        assert await socket.refusal() == "TENANT_SUSPENDED"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "UNAUTHENTICATED"),
        ({"authorization": "Bearer x.y.z"}, "UNAUTHENTICATED"),
        ({"x-tenant-id": str(new_id())}, "TENANT_MISMATCH"),
    ],
)
async def test_who_asks_is_settled_at_the_start(here: Scene, socket_url: str, headers: dict[str, str], code: str):
    own = {"authorization": f"Bearer {here.graph.token(here.actors['principal'])}"} if "x-tenant-id" in headers else {}
    async with asking(socket_url, own | headers) as socket:
        await socket.subscribe(RECORDED, **{"class": str(here.classes[0])})
        assert await socket.refusal() == code


@pytest.mark.parametrize(
    "document",
    ["{ attendanceAggregates { count } }", "subscription { attendanceRecorded }", "subscription {", "[" * 200],
)
async def test_a_socket_takes_subscriptions_alone(here: Scene, socket_url: str, document: str):
    headers = {"authorization": f"Bearer {here.graph.token(here.actors['principal'])}"}
    async with asking(socket_url, headers) as socket:
        await socket.subscribe(document)
        assert await socket.refusal() == "BAD_REQUEST"
        await socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ('{"type": "subscribe", "id": "1", "payload": {"query": "{ a }"}}', 4401),
        ("{", 4400),
        ("[]", 4400),
        (b"\x00", 4400),
        ('{"type": "connection_init", "payload": {"authorization": 1}}', 4400),
        ('{"type": "connection_init", "payload": "x"}', 4400),
        (f'{{"type": "connection_init", "payload": {{"a": "{"x" * 300_000}"}}}}', 1009),
        ("x" * 2_000_000, 1009),
    ],
    ids=["not begun", "no JSON", "no object", "bytes", "no text", "no headers", "long", "longer than a frame"],
)
async def test_bad_sockets_are_closed(socket_url: str, first: Any, code: int):
    async with socket_to(socket_url) as socket:
        await socket.connection.send(first)
        assert (await socket.end())[0] == code


async def test_the_protocol_is_kept(here: Scene, follow: Follow, socket_url: str):
    with pytest.raises(InvalidStatus):
        async with socket_to(socket_url, subprotocols=["graphql-ws"]):
            pass
    async with follow(here.actors["principal"]) as socket:
        await socket.send(type="connection_init")
        assert (await socket.end())[0] == 4429
    async with follow(here.actors["principal"]) as socket:
        await socket.send(id="1", type="subscribe", payload={"query": "subscription { a }"})
        assert (await socket.end())[0] == 4409
    async with follow(here.actors["principal"]) as socket:
        await socket.send(id="1", type="complete")
        await here.mark((0, 0, SICK))
        assert await socket.is_silent(QUIET_SECONDS)
    async with socket_to(socket_url) as socket:
        with pytest.raises(ConnectionClosed):
            await socket.receive(8)


async def test_a_socket_that_takes_nothing_is_dropped(here: Scene, settings: Settings, monkeypatch: pytest.MonkeyPatch):
    """Over a transport that never drains, as the router would be that has stopped."""
    monkeypatch.setattr("libs.graph.subscriptions._SEND_SECONDS", 0.2)
    sent: list[str] = []
    messages = iter(['{"type": "connection_init"}', '{"type": "ping"}'])

    async def receive() -> dict[str, str]:
        if not sent:
            return {"type": "websocket.connect"}
        if (text := next(messages, None)) is None:
            await asyncio.Event().wait()
        return {"type": "websocket.receive", "text": str(text)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message["type"])
        if len(sent) == 3:  # the answer to the ping
            await asyncio.Event().wait()
        if message["type"] == "websocket.close":
            sent.append(message["reason"])

    scope = {"type": "websocket", "path": "/graphql", "headers": [], "client": ("127.0.0.1", 1)}
    app = create_app(settings)
    async with asyncio.timeout(5):
        await app({**scope, "subprotocols": ["graphql-transport-ws"], "query_string": b"", "app": app}, receive, send)
    assert sent == ["websocket.accept", "websocket.send", "websocket.send", "websocket.close", "SLOW_CLIENT"]
