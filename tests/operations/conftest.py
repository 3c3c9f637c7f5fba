"""Two schools to test operations with."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest

from libs.db import Database
from libs.settings import Settings
from libs.testing import GraphClient
from subgraphs.operations.app import create_app
from tests.operations.world import World


@pytest.fixture
def world(database_for: Callable[[str], Database], settings: Settings, school: UUID, as_owner) -> World:
    """The school."""
    return World(settings, database_for("operations"), school, as_owner)


@pytest.fixture
def other_world(world: World, other_school: UUID) -> World:
    """Another school, whose rows the first must never see."""
    return world.of(other_school)


@pytest.fixture
async def graph(settings: Settings) -> AsyncIterator[GraphClient]:
    """The application of operations."""
    async with GraphClient(create_app(settings), settings) as client:
        yield client
