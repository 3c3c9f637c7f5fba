"""A database with queue and job tables, and a queue of academic's jobs."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from alembic import op
from pydantic import SecretStr
from sqlalchemy import MetaData

from deploy.local.engines import Engines
from libs.crypto import KeyRing, Vault, create_data_keys, data_keys
from libs.db import Database, subgraph_base
from libs.events import OutboxWriter, create_queue_tables
from libs.jobs import JobQueue, create_job_tables
from libs.settings import Settings
from libs.testing import TestKeys
from tests.libs.queues import drop_database, make_database


def create(metadata: MetaData) -> None:
    create_queue_tables(metadata)
    create_job_tables(metadata)
    create_data_keys(str(metadata.schema))
    op.execute(f"create table {metadata.schema}.tenants (id uuid primary key, status text not null)")
    op.execute(f"grant select on {metadata.schema}.tenants to {metadata.schema}_app")


@pytest.fixture
def settings(engines: Engines, keys: TestKeys, tmp_path: Path) -> Iterator[Settings]:
    base = Settings(
        environment="test",
        database_url=engines.database_url,
        database_admin_url=SecretStr(engines.database_admin_url),
        nats_url=engines.nats_url,
        key_encryption_keys=keys.key_encryption_keys,
    )
    made = make_database(base, engines, create)
    yield made
    drop_database(made)


@pytest.fixture
async def academic(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings, "academic", on_flush=OutboxWriter("academic", KeyRing.from_settings(settings)))
    yield database
    await database.close()


@pytest.fixture
def queue(settings: Settings) -> JobQueue:
    vault = Vault(KeyRing.from_settings(settings), data_keys(subgraph_base("academic").metadata))
    return JobQueue("academic", vault)
