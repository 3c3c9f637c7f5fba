"""Two schools to test notification with."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import pytest

from libs.settings import Settings
from tests.notification.world import World


@pytest.fixture
async def world(
    settings: Settings, school: UUID, as_owner: Callable[..., list[dict[str, Any]]]
) -> AsyncIterator[World]:
    """The school."""
    made = World.make(settings, school, as_owner)
    yield made
    await made.database.close()


@pytest.fixture
def other_world(world: World, other_school: UUID) -> World:
    """Another school, whose rows the first must never see."""
    return world.of(other_school)
