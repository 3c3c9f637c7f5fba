"""Two schools to test academic with."""

from collections.abc import Callable
from uuid import UUID

import pytest

from libs.db import Database
from libs.settings import Settings
from subgraphs.academic.contact.queries import Contacts
from tests.academic.world import World


@pytest.fixture
def world(database_for: Callable[[str], Database], settings: Settings, school: UUID, as_owner) -> World:
    """The school (SMA)."""
    return World(database_for("academic"), Contacts.from_settings(settings), school, as_owner)


@pytest.fixture
def other_world(world: World, other_school: UUID) -> World:
    """Another school, whose rows the first must never see."""
    return world.of(other_school)
