"""Two schools to test admission with."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest

from libs.db import Database
from libs.settings import Settings
from libs.testing import GraphClient
from subgraphs.admission.app import create_app
from tests.admission.graph import Scene, scene
from tests.admission.world import World


@pytest.fixture
def world(database_for: Callable[[str], Database], settings: Settings, school: UUID, as_owner) -> World:
    """The school."""
    return World(settings, database_for("admission"), school, as_owner)


@pytest.fixture
def other_world(world: World, other_school: UUID) -> World:
    """Another school, whose rows the first must never see."""
    return world.of(other_school)


@pytest.fixture
async def graph(settings: Settings) -> AsyncIterator[GraphClient]:
    """Admission's application."""
    async with GraphClient(create_app(settings), settings) as client:
        yield client


@pytest.fixture
async def here(world: World, graph: GraphClient) -> Scene:
    """The school with people in every role."""
    return await scene(world, graph)


@pytest.fixture
async def there(other_world: World, graph: GraphClient) -> Scene:
    """The other school, with the same people of its own."""
    return await scene(other_world, graph)
