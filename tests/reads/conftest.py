"""Both schools in one database for the whole run, with the applications in front of it."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy import NullPool, create_engine, insert, text

from libs.kernel import utc_now
from libs.settings import Settings
from libs.testing import GraphClient, Template, clone_database
from subgraphs.academic.app import create_app as academic_app
from subgraphs.admission.app import create_app as admission_app
from subgraphs.finance.app import create_app as finance_app
from subgraphs.identity.app import create_app as identity_app
from subgraphs.notification.app import create_app as notification_app
from subgraphs.operations.app import create_app as operations_app
from tests.reads.people import make_accounts
from tests.reads.reference import Reference
from tests.reads.world import SCHOOLS, SchoolRows

APPS = {
    "academic": academic_app,
    "identity": identity_app,
    "notification": notification_app,
    "finance": finance_app,
    "operations": operations_app,
    "admission": admission_app,
}


@dataclass(frozen=True)
class BothSchools:
    """The graph and the reference over one database, and the loop that they run in."""

    runner: asyncio.Runner
    graphs: dict[str, GraphClient]
    references: dict[str, Reference]

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What the work answers."""
        return self.runner.run(work)


@pytest.fixture(scope="session")
def both_schools(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BothSchools]:
    """Loaded once: nothing here writes but the log of who read which contact."""
    with clone_database(template) as cloned, asyncio.Runner() as runner:
        settings = cloned.model_copy(update={"mail_url": f"sink:{tmp_path_factory.mktemp('mail')}"})
        load_schools(settings)
        runner.run(make_accounts(settings))
        stack = AsyncExitStack()
        yield BothSchools(runner, *runner.run(_opened(settings, stack)))
        runner.run(stack.aclose())


async def _opened(settings: Settings, stack: AsyncExitStack) -> tuple[dict[str, GraphClient], dict[str, Reference]]:
    graphs = {}
    for name, create_app in APPS.items():
        graphs[name] = await stack.enter_async_context(GraphClient(create_app(settings), settings))
    references = {name: Reference(settings, name) for name in APPS}
    for reference in references.values():
        stack.push_async_callback(reference.close)
    return graphs, references


def load_schools(settings: Settings) -> None:
    """Writes the rows of both schools into every subgraph's tables."""
    admin = settings.database_admin_url.get_secret_value()
    name = settings.database_url.rpartition("/")[2]
    engine = create_engine(
        "postgresql+psycopg://", poolclass=NullPool, creator=lambda: psycopg.connect(admin, dbname=name)
    )
    today = utc_now().astimezone(ZoneInfo("Asia/Jakarta")).date()
    with engine.begin() as connection:
        for subgraph in APPS:
            connection.execute(text(f"set local role {subgraph}_owner"))
            for school in SCHOOLS:
                for model, rows in getattr(SchoolRows(school, today), subgraph)():
                    connection.execute(insert(model.__table__), rows)
    engine.dispose()
