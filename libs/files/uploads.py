"""Uploads: announced in a mutation, sent by PUT to a signed address, read by one import, forgotten within a day."""

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Table, delete, func, insert, literal_column, select, tuple_, update
from sqlalchemy.exc import SQLAlchemyError

from libs.crypto import DataKey, SignedLinks, Vault
from libs.db import Database, ReadTransaction, TenantTransaction
from libs.files.content import FileType, opened
from libs.files.lines import FILE_PATH, FILE_TEXTS, Content, Unreadable
from libs.files.objects import StorageUnavailable, StoredFiles
from libs.files.storage import MEBIBYTE, Storage
from libs.kernel import PLATFORM_TENANT_ID, Binding, FieldFault, InvalidInput, NotFound, Quota, QuotaExceeded, Scope
from libs.settings import Settings
from libs.telemetry import get_logger

ADDRESS_LIFE: Final = timedelta(minutes=15)
FILE_LIFE: Final = timedelta(hours=24)
MOST_WAITING: Final = 1024
"""Uploads a school may have at a time in one domain, mebibytes, whatever storage it pays for."""
_AT_ONCE: Final = 100
_LOOK_SECONDS: Final = 60.0
_PLATFORM: Final = Binding(PLATFORM_TENANT_ID, Scope.SYSTEM)
_NEEDED: Final = {"id": "Berkas wajib diberikan.", "en": "A file is needed."}
_log = get_logger(__name__)

TakenFile = Mapping[str, Any]
"""What an import keeps of its file in a job's payload: `text`, or `file_id`."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What an address was given for."""

    size: int
    type: FileType


@dataclass(frozen=True, slots=True)
class _Sealed:
    """Where the content of a file lies, and how it is read."""

    name: str
    type: FileType
    key: DataKey
    place: bytes


class Uploads:
    """The uploads of one subgraph, whose table `files` is given; `storage` counts them.

    Contents are sealed with the tenant's key: a school's files are full of people.
    """

    def __init__(self, files: Table, settings: Settings, vault: Vault, storage: Storage[Any]) -> None:
        self._files = files
        self.storage = storage
        self._vault = vault
        self._store = StoredFiles(settings.files_url)
        self._links = SignedLinks(settings, purpose="upload")

    @property
    def domain(self) -> str:
        """The subgraph, as it stands in addresses."""
        return str(self._files.schema)

    async def request(
        self, tx: TenantTransaction, *, created_by: UUID, name: str, size: int, kind: FileType
    ) -> tuple[UUID, datetime]:
        """Notes a file that is to come, `size` bytes at most; answers its id and until when its address holds.

        Raises QuotaExceeded.
        """
        await self.storage.reserve(tx, size)
        await self._check_waiting(tx, size)
        file_id, until = tx.new_id(), tx.now + ADDRESS_LIFE
        values = {"id": file_id, "created_by": created_by, "name": name, "size": size, "type": kind.value}
        await tx.execute(insert(self._files).values(**values, expires_at=until))
        return file_id, until

    def url(self, tenant_id: UUID, file_id: UUID, *, until: datetime) -> str:
        """The address to which the content is sent by PUT."""
        return self._links.url(self._path(tenant_id, file_id), until=until)

    def is_signed(self, tenant_id: UUID, file_id: UUID, *, expires: str, signature: str, now: datetime) -> bool:
        """Whether the address was given for this file and still holds."""
        return self._links.holds(self._path(tenant_id, file_id), expires=expires, signature=signature, now=now)

    async def expected(self, tx: ReadTransaction, file_id: UUID) -> Expected | None:
        """What may come under an address; None when it has come, or will not any more."""
        mine = self._files.c
        wanted = select(mine.size, mine.type).where(*self._open(tx, file_id))
        row = (await tx.execute(wanted)).one_or_none()
        return None if row is None else Expected(row.size, FileType(row.type))

    async def store(self, database: Database, tenant_id: UUID, file_id: UUID, content: bytes) -> bool:
        """Keeps the content of a file, sealed; False when its address was used meanwhile.

        The address is used up before the content is stored, so that of two contents one is. No connection is held
        while it is stored; a file whose storing fails is never STORED, and goes when its time is over.
        """
        binding = Binding(tenant_id, Scope.SYSTEM)
        digest = await asyncio.to_thread(lambda: hashlib.sha256(content).digest())
        async with database.write(binding) as tx:
            values = {"size": len(content), "sha256": digest, "expires_at": tx.now + FILE_LIFE, "updated_at": tx.now}
            announced = literal_column("old.size", BigInteger)
            claim = update(self._files).where(*self._open(tx, file_id)).values(**values).returning(announced)
            row = (await tx.execute(claim)).one_or_none()
            if row is None:
                return False
            if row[0] != len(content):
                await self.storage.tell(tx, tenant_id)
            key = await self._vault.tenant_key(tx)
        sealed = await asyncio.to_thread(key.wrap, content, self._place(tenant_id, file_id))
        await self._store.put(self._name(tenant_id, file_id), sealed)
        async with database.write(binding) as tx:
            await tx.execute(update(self._files).where(*self._mine(tx, file_id)).values(status="STORED"))
        return True

    async def take(
        self, tx: TenantTransaction, *, text: str | None, file_id: UUID | None, keep: bool = False
    ) -> TakenFile:
        """Takes a file for an import, once; with `keep` (a dry run) it may be taken again.

        Raises InvalidInput without a file, NotFound for one that is not there, taken, or another school's.
        """
        if file_id is None:
            return {"text": given_text(text)}
        mine = self._files.c
        there = (*self._mine(tx, file_id), mine.status == "STORED", mine.expires_at > tx.now)
        values = {"status": "STORED" if keep else "TAKEN", "updated_at": tx.now}
        taken = update(self._files).where(*there).values(**values).returning(mine.id)
        if (await tx.execute(taken)).one_or_none() is None:
            raise NotFound
        return {"file_id": str(file_id)}

    async def open(self, tx: TenantTransaction, taken: TakenFile) -> Content:
        """The content of a file that was taken. Raises NotFound, InvalidInput when it cannot be read."""
        if "text" in taken:
            return str(taken["text"])
        return await self._opened(await self._sealed(tx, UUID(taken["file_id"])))

    async def read(self, database: Database, binding: Binding, *, text: str | None, file_id: UUID | None) -> Content:
        """The content of a file that is about to be taken; no connection is held while it is fetched and unpacked.

        Raises NotFound, InvalidInput without a file or when it cannot be read.
        """
        if file_id is None:
            return given_text(text)
        async with database.write(binding) as tx:
            sealed = await self._sealed(tx, file_id)
        return await self._opened(sealed)

    async def discard(self, tx: TenantTransaction, taken: TakenFile) -> None:
        """An import has done with its file, which goes within a minute."""
        if "file_id" in taken:
            mine = self._mine(tx, UUID(taken["file_id"]))
            await tx.execute(update(self._files).where(*mine).values(expires_at=tx.now, updated_at=tx.now))

    async def purge(self, database: Database) -> bool:
        """Deletes files whose time is over, of every tenant; whether there may be more."""
        mine = self._files.c
        async with database.write(_PLATFORM) as tx:
            over = select(mine.tenant_id, mine.id).where(mine.expires_at <= tx.now).order_by(mine.expires_at)
            rows = (await tx.execute(over.limit(_AT_ONCE).with_for_update(skip_locked=True))).all()
            for tenant_id, file_id in rows:
                await self._store.delete(self._name(tenant_id, file_id))
            gone = [(tenant_id, file_id) for tenant_id, file_id in rows]
            await tx.execute(delete(self._files).where(tuple_(mine.tenant_id, mine.id).in_(gone)))
            for tenant_id in sorted({tenant_id for tenant_id, _ in gone}):  # two purges wait in the same order
                await self.storage.tell(tx, tenant_id)
        return len(rows) == _AT_ONCE

    async def keep_purged(self, database: Database, stop: asyncio.Event) -> None:
        """A part of the subgraph's worker: purges once a minute until `stop` is set. What fails is tried again then."""
        while not stop.is_set():
            try:
                while await self.purge(database):
                    pass
            except (StorageUnavailable, SQLAlchemyError, OSError) as error:
                _log.warning("files_not_purged", subgraph=self.domain, error=error)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOK_SECONDS)

    async def _check_waiting(self, tx: TenantTransaction, size: int) -> None:
        mine = self._files.c  # of two that ask at once, the second counts what the first one got: it has reserved
        waiting = select(func.coalesce(func.sum(mine.size), 0)).where(mine.tenant_id == tx.tenant_id)
        used = int((await tx.execute(waiting)).scalar_one())
        if used + size > MOST_WAITING * MEBIBYTE:
            raise QuotaExceeded(quota=Quota.STORAGE, used=used // MEBIBYTE, allowed=MOST_WAITING)

    async def _sealed(self, tx: TenantTransaction, file_id: UUID) -> _Sealed:
        mine = self._files.c
        there = select(mine.type).where(*self._mine(tx, file_id), mine.status != "REQUESTED", mine.expires_at > tx.now)
        kind = (await tx.execute(there)).scalar_one_or_none()
        if kind is None:
            raise NotFound
        key = await self._vault.tenant_key(tx)
        name, place = self._name(tx.tenant_id, file_id), self._place(tx.tenant_id, file_id)
        return _Sealed(name, FileType(kind), key, place)

    async def _opened(self, sealed: _Sealed) -> Content:
        stored = await self._store.get(sealed.name)
        if stored is None:
            raise NotFound
        content = await asyncio.to_thread(sealed.key.unwrap, stored, sealed.place)
        try:
            return await opened(content, sealed.type)
        except Unreadable:
            raise InvalidInput([FieldFault(FILE_PATH, "FORMAT", FILE_TEXTS["FORMAT"])]) from None

    def _mine(self, tx: ReadTransaction, file_id: UUID) -> tuple[Any, ...]:
        return (self._files.c.tenant_id == tx.tenant_id, self._files.c.id == file_id)

    def _open(self, tx: ReadTransaction, file_id: UUID) -> tuple[Any, ...]:
        mine = self._files.c
        return (*self._mine(tx, file_id), mine.sha256.is_(None), mine.expires_at > tx.now)

    def _path(self, tenant_id: UUID, file_id: UUID) -> str:
        return f"/files/{self.domain}/uploads/{tenant_id}/{file_id}"

    def _name(self, tenant_id: UUID, file_id: UUID) -> str:
        return f"uploads/{self.domain}/{tenant_id}/{file_id}"

    def _place(self, tenant_id: UUID, file_id: UUID) -> bytes:
        return f"upload of {self.domain}".encode() + tenant_id.bytes + file_id.bytes


def given_text(text: str | None) -> str:
    """The text of a file that is given as such. Raises InvalidInput without one."""
    if text is None:
        raise InvalidInput([FieldFault(FILE_PATH, "REQUIRED", _NEEDED)])
    return text
