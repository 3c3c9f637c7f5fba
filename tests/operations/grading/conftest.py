"""Two schools that grade."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest

from libs.db import Database
from libs.settings import Settings
from libs.testing import GraphClient
from subgraphs.operations.app import create_app
from tests.operations.grading.school import School, make_school


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[GraphClient]:
    """The application of operations."""
    async with GraphClient(create_app(settings), settings) as opened:
        yield opened


@pytest.fixture
async def here(
    settings: Settings, database_for: Callable[[str], Database], school: UUID, as_owner, client: GraphClient
) -> School:
    """The school."""
    return await make_school(settings, database_for("operations"), school, as_owner, client)


@pytest.fixture
async def there(
    settings: Settings, database_for: Callable[[str], Database], other_school: UUID, as_owner, client: GraphClient
) -> School:
    """Another one, whose rows the first must never see."""
    return await make_school(settings, database_for("operations"), other_school, as_owner, client)
