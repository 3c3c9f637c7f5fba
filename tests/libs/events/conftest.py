"""A database with the queue tables, a broker without a stream, and the parts of a worker to start and kill."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import nats
import pytest
from nats.js.errors import NotFoundError
from pydantic import SecretStr

from deploy.local.engines import Engines
from libs.crypto import KeyRing
from libs.db import Database
from libs.events import OutboxWriter, create_queue_tables
from libs.events.broker import STREAM
from libs.settings import Settings
from libs.testing import TestKeys
from tests.libs.queues import drop_database, make_database


@pytest.fixture
async def settings(engines: Engines, keys: TestKeys, tmp_path: Path) -> AsyncIterator[Settings]:
    base = Settings(
        environment="test",
        database_url=engines.database_url,
        database_admin_url=SecretStr(engines.database_admin_url),
        nats_url=engines.nats_url,
        key_encryption_keys=keys.key_encryption_keys,
    )
    client = await nats.connect(engines.nats_url)
    with suppress(NotFoundError):
        await client.jetstream().delete_stream(STREAM)
    await client.close()
    made = make_database(base, engines, create_queue_tables)
    yield made
    drop_database(made)


@pytest.fixture
def key_ring(settings: Settings) -> KeyRing:
    return KeyRing.from_settings(settings)


@pytest.fixture
async def academic(settings: Settings, key_ring: KeyRing) -> AsyncIterator[Database]:
    database = Database(settings, "academic", on_flush=OutboxWriter("academic", key_ring))
    yield database
    await database.close()


@pytest.fixture
async def identity(settings: Settings, key_ring: KeyRing) -> AsyncIterator[Database]:
    database = Database(settings, "identity", on_flush=OutboxWriter("identity", key_ring))
    yield database
    await database.close()
