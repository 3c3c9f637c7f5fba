"""The pytest plugin. `tests/conftest.py` provides `engines`, an object with the URLs of running engines."""

import json
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import pytest
import redis
from pydantic import SecretStr

from libs.auth import TokenIssuer
from libs.crypto import KeyRing
from libs.db import Database
from libs.events.outbox import OutboxWriter
from libs.settings import Settings
from libs.telemetry import configure_logging
from libs.testing.actors import TestKeys
from libs.testing.databases import Template, add_school, clone_database, owner_rows


class RunningEngines(Protocol):
    """Where the engines of the run answer."""

    database_url: str
    database_admin_url: str
    valkey_url: str
    nats_url: str


@pytest.fixture(scope="session")
def keys() -> TestKeys:
    """The secrets of this run."""
    return TestKeys()


@pytest.fixture(scope="session")
def template(engines: RunningEngines, keys: TestKeys, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The migrated database every test's own is cloned from."""
    jwks = tmp_path_factory.mktemp("keys") / "jwks.json"
    settings = Settings(
        environment="test",
        database_url=engines.database_url,
        database_admin_url=SecretStr(engines.database_admin_url),
        valkey_url=engines.valkey_url,
        nats_url=engines.nats_url,
        token_signing_keys=keys.token_signing_keys,
        key_encryption_keys=keys.key_encryption_keys,
        blind_index_key=keys.blind_index_key,
        password_pepper=keys.password_pepper,
        bcrypt_cost=4,
        jwks_url=jwks.as_uri(),
    )
    jwks.write_text(json.dumps(TokenIssuer(settings).jwks()))
    return Template.make(settings)


@pytest.fixture
def settings(template: Template, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a database, a cache and a mail folder that belong to this test alone."""
    with clone_database(template) as cloned:
        with redis.Redis.from_url(cloned.valkey_url) as cache:
            cache.flushall()
        folders = {"mail_url": f"sink:{tmp_path / 'mail'}", "files_url": (tmp_path / "files").as_uri()}
        yield cloned.model_copy(update=folders)


@pytest.fixture
async def database_for(settings: Settings) -> AsyncIterator[Callable[[str], Database]]:
    """`database_for("academic")`: that subgraph's database as its app role sees it, with its outbox."""
    opened: dict[str, Database] = {}

    def open_database(subgraph: str) -> Database:
        if subgraph not in opened:
            writer = OutboxWriter(subgraph, KeyRing.from_settings(settings))
            opened[subgraph] = Database(settings, subgraph, on_flush=writer)
        return opened[subgraph]

    yield open_database
    for database in opened.values():
        await database.close()


@pytest.fixture
def school(settings: Settings) -> UUID:
    """A school (SMA, Asia/Jakarta) that every subgraph knows."""
    return add_school(settings, "school")


@pytest.fixture
def other_school(settings: Settings) -> UUID:
    """Another one, whose rows the first must never see."""
    return add_school(settings, "other-school")


OwnerRows = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def as_owner(settings: Settings) -> OwnerRows:
    """`as_owner("academic", "select …", parameters)`: rows as the tables' owner sees them, all tenants."""

    def rows(subgraph: str, statement: str, parameters: Any = None) -> list[dict[str, Any]]:
        return owner_rows(settings, subgraph, statement, parameters)

    return rows


def pytest_configure() -> None:
    configure_logging(Settings(environment="test"), "test")
    # Raised by the event loop of pytest-asyncio itself when a session ends; nothing of ours can close it earlier.
    warnings.filterwarnings("ignore", category=ResourceWarning, message="unclosed event loop")
