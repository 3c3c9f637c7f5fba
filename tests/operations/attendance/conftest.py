"""A school with two classes, and the application of operations behind a socket."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
import uvicorn

from deploy.process import server_config
from libs.events import Relay, broker
from libs.kernel import new_id, utc_now
from libs.settings import Settings
from libs.testing import GraphClient, actor_of
from subgraphs.operations.app import create_app
from tests.operations.attendance.scene import Scene, terms
from tests.operations.world import World


@pytest.fixture
async def here(world: World, graph: GraphClient) -> Scene:
    """See Scene."""
    world = replace(world, today=utc_now().astimezone(ZoneInfo("Asia/Jakarta")).date())
    first, second = terms(world.today)
    sitting = (first[0], second[1])
    semesters = await world.year(first, second)
    homeroom = new_id()
    classes = [await world.class_(homeroom=homeroom), await world.class_(name="X-2")]
    students = [
        *await world.pupils(2, class_id=classes[0], days=sitting),
        *await world.pupils(1, class_id=classes[1], days=sitting),
    ]
    roles = ("principal", "school_admin", "teacher", "student", "parent", "finance_staff")
    own = {"student": (students[0],), "parent": (students[0],)}
    actors = {role: actor_of(role, world.tenant_id, student_ids=own.get(role, ())) for role in roles}
    actors["homeroom"] = actor_of("teacher", world.tenant_id, user_id=homeroom)
    return Scene(world, graph, classes, students, actors, semesters)


@pytest.fixture
def socket_url(settings: Settings) -> Iterator[str]:
    """Where the application answers to WebSockets, served as its process serves it."""
    server = uvicorn.Server(server_config(create_app(settings), "127.0.0.1", 0))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.02)
    yield f"ws://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/graphql"
    server.should_exit = True
    thread.join(15)


@pytest.fixture
async def relayed(settings: Settings) -> AsyncIterator[None]:
    """What operations emits reaches the broker."""
    stop = asyncio.Event()
    async with broker(settings, "test") as js:
        relaying = asyncio.create_task(Relay(settings, "operations", js).run(stop))
        yield
        stop.set()
        await relaying
