"""A school's quota of storage is one, whichever subgraphs keep its files."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import pytest

from libs.crypto import KeyRing
from libs.db import Database
from libs.events import OutboxWriter
from libs.events.envelope import Envelope
from libs.files import FileType, Uploads
from libs.jobs import SubgraphWorker
from libs.kernel import Binding, QuotaExceeded, Scope, new_id
from libs.settings import Settings
from libs.testing import envelopes_of
from subgraphs.academic import app as academic
from subgraphs.academic.contact.queries import Contacts
from subgraphs.identity import app as identity
from subgraphs.operations import app as operations

KEEPERS = ("academic", "identity", "operations")
GIGABYTE = 2**30
QUOTA = "update {0}.tenants set quotas = '{{\"storage_gb\": 1}}' where id = %s"


class Keepers:
    """The three subgraphs that keep files: their uploads, and their workers."""

    def __init__(self, settings: Settings, as_owner: Callable[..., list[dict[str, Any]]]) -> None:
        ring, vault = KeyRing.from_settings(settings), Contacts.from_settings(settings).vault
        self.as_owner = as_owner
        self.databases = {name: Database(settings, name, on_flush=OutboxWriter(name, ring)) for name in KEEPERS}
        self.uploads: dict[str, Uploads] = {
            "academic": academic.open_uploads(settings, vault),
            "identity": identity.open_uploads(settings),
            "operations": operations.open_uploads(settings, vault),
        }
        self.workers: dict[str, SubgraphWorker] = {
            each.__name__.split(".")[1]: each.create_worker(settings) for each in (academic, identity, operations)
        }

    async def request(self, name: str, tenant_id: UUID, size: int) -> None:
        """Announces a file."""
        async with self.databases[name].write(Binding(tenant_id, Scope.SYSTEM)) as tx:
            await self.uploads[name].request(tx, created_by=new_id(), name="x.csv", size=size, kind=FileType.CSV)

    async def tell(self) -> None:
        """Everybody hears, in the wrong order, what was told so far; what they heard already does nothing."""
        told = list(reversed([each for name in KEEPERS for each in self._told(name)]))
        for worker in self.workers.values():
            assert await worker.inbox.apply(told) == {}

    def _told(self, name: str) -> list[Envelope]:
        rows = self.as_owner(
            name, f"select * from {name}.outbox where subject like '%%StorageCounted' order by sequence"
        )
        return envelopes_of(name, rows)


@pytest.fixture
async def keepers(settings: Settings, as_owner) -> AsyncIterator[Keepers]:
    made = Keepers(settings, as_owner)
    async with AsyncExitStack() as stack:
        for database in [*made.databases.values(), *(worker.database for worker in made.workers.values())]:
            stack.push_async_callback(database.close)
        yield made


@pytest.mark.parametrize("full", KEEPERS)
async def test_what_is_kept_anywhere_counts_everywhere(keepers: Keepers, school, other_school, as_owner, full: str):
    for name in KEEPERS:
        as_owner(name, QUOTA.format(name), (school,))
        as_owner(name, QUOTA.format(name), (other_school,))
    for name in KEEPERS:
        for size in (1, 99):
            await keepers.request(name, school, size)
        await keepers.tell()
    others = [name for name in KEEPERS if name != full]
    await keepers.request(full, school, GIGABYTE - 300)
    await keepers.tell()
    for name in KEEPERS:
        with pytest.raises(QuotaExceeded) as refused:
            await keepers.request(name, school, 1)
        assert refused.value.data == {"quota": "STORAGE", "used": 1024, "allowed": 1024}
    for name in others:
        await keepers.request(name, other_school, 1)


async def test_each_tells_what_it_keeps_itself(keepers: Keepers, school, as_owner):
    for name in KEEPERS:
        as_owner(name, QUOTA.format(name), (school,))
        await keepers.request(name, school, 100)
        await keepers.tell()
    for name in KEEPERS:
        (row,) = as_owner(name, f"select data from {name}.outbox where subject like '%%StorageCounted'")
        assert row["data"]["kept_bytes"] == 100
    rows = as_owner("identity", "select domain, kept_bytes from identity.counted_storage order by domain")
    assert [(row["domain"], row["kept_bytes"]) for row in rows] == [(name, 100) for name in KEEPERS]
    for name in ("academic", "operations"):
        rows = as_owner(name, f"select domain from {name}.counted_storage order by domain")
        assert [row["domain"] for row in rows] == [each for each in KEEPERS if each != name]
