"""Uploads of a subgraph, with two schools."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import url2pathname

import pytest

from libs.crypto import KeyRing, Vault
from libs.db import Database
from libs.events import OutboxWriter
from libs.files import FileType, Sheet, StorageUnavailable
from libs.files.uploads import ADDRESS_LIFE, FILE_LIFE, MOST_WAITING
from libs.kernel import Binding, InvalidInput, NotFound, QuotaExceeded, Scope, new_id
from libs.settings import Settings
from subgraphs.operations.app import open_uploads
from subgraphs.operations.model import person_keys
from tests.libs.files.workbooks import with_cells, workbook

TEXT = b"nis,name\n0012345678,Siti Rahma\n"


class School:
    """One school's view of the uploads; `later` moves its clock."""

    def __init__(self, settings: Settings, database: Database, tenant_id, as_owner) -> None:
        self.later, self.as_owner = timedelta(), as_owner
        clock = database._clock
        self.database = Database(
            settings,
            "operations",
            on_flush=OutboxWriter("operations", KeyRing.from_settings(settings)),
            clock=lambda: clock() + self.later,
        )
        self.uploads = open_uploads(settings, Vault(KeyRing.from_settings(settings), person_keys))
        self.binding = Binding(tenant_id, Scope.SYSTEM)

    async def request(self, size: int = len(TEXT), kind: FileType = FileType.CSV):
        async with self.database.write(self.binding) as tx:
            made, _ = await self.uploads.request(tx, created_by=new_id(), name="pupils.csv", size=size, kind=kind)
        return made

    async def stored(self, content: bytes = TEXT, kind: FileType = FileType.CSV):
        file_id = await self.request(len(content), kind)
        assert await self.store(file_id, content)
        return file_id

    async def store(self, file_id, content: bytes = TEXT) -> bool:
        return await self.uploads.store(self.database, self.binding.tenant_id, file_id, content)

    async def take(self, file_id, *, keep: bool = False) -> Any:
        async with self.database.write(self.binding) as tx:
            return await self.uploads.take(tx, text=None, file_id=file_id, keep=keep)

    async def open(self, taken) -> Any:
        async with self.database.write(self.binding) as tx:
            return await self.uploads.open(tx, taken)

    def told(self) -> list[int]:
        """The totals that the school was told to keep, in the order of their events."""
        statement = "select data from operations.outbox where tenant_id = %s and subject like %s order by sequence"
        rows = self.as_owner("operations", statement, (self.binding.tenant_id, "%StorageCounted"))
        return [row["data"]["kept_bytes"] for row in rows]

    async def discard(self, taken) -> None:
        async with self.database.write(self.binding) as tx:
            await self.uploads.discard(tx, taken)


@pytest.fixture
async def schools(settings: Settings, database_for: Callable[[str], Database], school, other_school, as_owner):
    made = [School(settings, database_for("operations"), tenant, as_owner) for tenant in (school, other_school)]
    yield made
    for each in made:
        await each.database.close()


def kept_in(settings: Settings) -> list[Path]:
    return [path for path in folder_of(settings).rglob("*") if path.is_file()]


async def test_a_file_is_kept_sealed_read_and_forgotten(schools, settings: Settings, as_owner):
    here, _ = schools
    file_id = await here.stored()
    (kept,) = kept_in(settings)
    assert kept.name == str(file_id)
    assert b"Rahma" not in kept.read_bytes()
    (row,) = as_owner("operations", "select * from operations.files")
    assert (row["status"], row["size"], row["type"], len(row["sha256"])) == ("STORED", len(TEXT), "CSV", 32)
    taken = await here.take(file_id)
    assert taken == {"file_id": str(file_id)}
    assert await here.open(taken) == TEXT.decode()
    assert await here.uploads.purge(here.database) is False
    assert len(kept_in(settings)) == 1
    await here.discard(taken)
    await here.uploads.purge(here.database)
    assert kept_in(settings) == []
    assert as_owner("operations", "select * from operations.files") == []


async def test_a_file_is_taken_once_by_its_own_school(schools):
    here, there = schools
    file_id = await here.stored()
    for school, wrong in ((there, file_id), (here, new_id()), (here, await here.request())):
        with pytest.raises(NotFound):
            await school.take(wrong)
        with pytest.raises(NotFound):
            await school.uploads.read(school.database, school.binding, text=None, file_id=wrong)
    await here.take(file_id, keep=True)
    answers = await asyncio.gather(*(here.take(file_id) for _ in range(4)), return_exceptions=True)
    assert sorted(isinstance(answer, NotFound) for answer in answers) == [False, True, True, True]
    with pytest.raises(NotFound):
        await here.take(file_id, keep=True)
    assert await there.store(file_id) is False


async def test_of_two_contents_one_is_kept(schools):
    here, _ = schools
    file_id = await here.request()
    texts = [b"nis,name\n%d,A\n" % number for number in range(4)]
    kept = await asyncio.gather(*(here.store(file_id, text) for text in texts))
    assert sorted(kept) == [False, False, False, True]
    assert await here.open(await here.take(file_id)) == texts[kept.index(True)].decode()


async def test_addresses_and_files_have_their_time(schools, settings: Settings, as_owner):
    here, there = schools
    late, stored, foreign = await here.request(), await here.stored(), await there.stored()
    here.later = ADDRESS_LIFE + timedelta(seconds=1)
    assert await here.store(late) is False
    here.later = FILE_LIFE + timedelta(seconds=1)
    with pytest.raises(NotFound):
        await here.take(stored)
    assert len(kept_in(settings)) == 2
    await here.uploads.purge(there.database)  # by whose clock nothing but the first one's is over
    assert {row["id"] for row in as_owner("operations", "select id from operations.files")} == {late, stored, foreign}
    await here.uploads.purge(here.database)
    assert (kept_in(settings), as_owner("operations", "select id from operations.files")) == ([], [])


async def test_a_file_whose_content_has_gone_already_is_forgotten(schools, settings: Settings, as_owner):
    here, _ = schools
    await here.stored()
    here.later = FILE_LIFE + timedelta(seconds=1)
    (kept,) = kept_in(settings)
    kept.unlink()  # deleted, when the worker ended before it could say so
    stop = asyncio.Event()
    working = asyncio.create_task(here.uploads.keep_purged(here.database, stop))
    while as_owner("operations", "select id from operations.files"):  # noqa: ASYNC110 - a table has no event
        await asyncio.sleep(0.05)
    stop.set()
    await working


def folder_of(settings: Settings) -> Path:
    return Path(url2pathname(settings.files_url.removeprefix("file://")))


def block(settings: Settings) -> None:
    """A file stands where the folder should be."""
    folder_of(settings).write_text("")


async def test_a_purge_waits_for_its_storage(schools, settings: Settings, as_owner, monkeypatch):
    here, _ = schools
    monkeypatch.setattr("libs.files.uploads._LOOK_SECONDS", 0.05)
    block(settings)
    await here.request()
    here.later = FILE_LIFE
    with pytest.raises(StorageUnavailable):
        await here.uploads.purge(here.database)
    stop = asyncio.Event()
    working = asyncio.create_task(here.uploads.keep_purged(here.database, stop))
    await asyncio.sleep(0.2)
    assert len(as_owner("operations", "select id from operations.files")) == 1
    folder_of(settings).unlink()
    while as_owner("operations", "select id from operations.files"):  # noqa: ASYNC110 - a table has no event
        await asyncio.sleep(0.05)
    stop.set()
    await working


async def test_a_school_has_room_for_so_much(schools, as_owner):
    here, there = schools
    as_owner(
        "operations",
        "update operations.tenants set quotas = '{\"storage_gb\": 0}' where id = %s",
        (here.binding.tenant_id,),
    )
    with pytest.raises(QuotaExceeded) as refused:
        await here.request()
    assert refused.value.data == {"quota": "STORAGE", "used": 0, "allowed": 0}
    assert here.told() == []
    quarter = MOST_WAITING * 2**20 // 4
    answers = await asyncio.gather(*(there.request(quarter) for _ in range(6)), return_exceptions=True)
    full = [answer.data for answer in answers if isinstance(answer, QuotaExceeded)]
    assert full == [{"quota": "STORAGE", "used": MOST_WAITING, "allowed": MOST_WAITING}] * 2
    assert there.told() == [quarter, 2 * quarter, 3 * quarter, 4 * quarter]


async def test_what_is_kept_is_told_whenever_it_changes(schools):
    here, there = schools
    first, second = await here.request(100), await here.request(50)
    foreign = await there.request(7)
    await there.store(foreign, b"nis,a,\n")
    await here.store(first, TEXT)
    assert (here.told(), there.told()) == ([100, 150, 50 + len(TEXT)], [7])  # as announced: nothing to tell
    await here.discard({"file_id": str(second)})
    await there.discard({"file_id": str(foreign)})
    await asyncio.gather(here.uploads.purge(here.database), here.uploads.purge(here.database))
    assert (here.told()[3:], there.told()[1:]) == ([len(TEXT)], [0])
    async with here.database.write(here.binding) as tx:
        again = [event.kept_bytes async for event in here.uploads.storage.snapshot(tx)]
    assert again == [len(TEXT)]


async def test_totals_of_writers_at_once_are_told_in_their_order(schools):
    here, _ = schools
    await asyncio.gather(*(here.request(10) for _ in range(8)))
    assert here.told() == [10 * count for count in range(1, 9)]
    here.later = FILE_LIFE
    await asyncio.gather(here.uploads.purge(here.database), *(here.request(1) for _ in range(4)))
    async with here.database.write(here.binding) as tx:
        (now,) = [event.kept_bytes async for event in here.uploads.storage.snapshot(tx)]
    assert here.told()[-1] == now == 4


async def test_a_storage_quota_counts_to_the_byte(schools, as_owner):
    here, there = schools
    for school in schools:
        quotas = "update operations.tenants set quotas = '{\"storage_gb\": 1}' where id = %s"
        as_owner("operations", quotas, (school.binding.tenant_id,))
    half = MOST_WAITING * 2**20 // 2
    answers = await asyncio.gather(*(here.request(half) for _ in range(3)), return_exceptions=True)
    assert [answer.data["used"] for answer in answers if isinstance(answer, QuotaExceeded)] == [MOST_WAITING]
    await there.request(half + half)
    with pytest.raises(QuotaExceeded):
        await there.request(1)


async def test_a_workbook_is_read_and_a_broken_one_is_a_fault_of_the_file(schools):
    here, _ = schools
    book = await here.stored(workbook([["nis"], ["0012345678"]]), FileType.XLSX)
    assert await here.open(await here.take(book)) == Sheet([["nis"], ["0012345678"]])
    broken = await here.stored(with_cells("<row><c><v>1</v"), FileType.XLSX)
    with pytest.raises(InvalidInput) as refused:
        await here.open(await here.take(broken))
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [("input.file.text", "FORMAT")]


async def test_a_text_needs_no_file(schools):
    here, _ = schools
    async with here.database.write(here.binding) as tx:
        taken = await here.uploads.take(tx, text="nis", file_id=None)
        assert await here.uploads.open(tx, taken) == "nis"
        await here.uploads.discard(tx, taken)
        with pytest.raises(InvalidInput):
            await here.uploads.take(tx, text=None, file_id=None)
