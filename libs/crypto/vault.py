"""The vault: a data key per person, wrapped by the tenant's key, wrapped by a key-encryption key.

Erasing a person deletes the row of the key; what it encrypted stays where it lies and says nothing any more.
"""

from collections import OrderedDict
from collections.abc import Collection
from typing import Final, Literal, NamedTuple, Protocol, overload
from uuid import UUID

from alembic import op
from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    DateTime,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    any_,
    bindparam,
    column,
    delete,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.schema import CreateTable

from libs.crypto import aead
from libs.crypto.aead import Undecipherable
from libs.crypto.fields import DataKey
from libs.crypto.keys import KeyRing
from libs.db import ReadTransaction, TableClass, TenantTransaction, enable_tenant_rls, subgraph_base
from libs.kernel import new_id

_CACHED_TENANT_KEYS: Final = 1024
_Kind = Literal["tenant", "person"]


class _Wrapper(Protocol):
    def wrap(self, key: bytes, context: bytes) -> bytes: ...
    def unwrap(self, wrapped: bytes, context: bytes) -> bytes: ...


def data_keys(metadata: MetaData) -> Table:
    """The table `data_keys` of a subgraph, to be declared once in its model.py."""
    return Table(
        "data_keys",
        metadata,
        Column("tenant_id", Uuid, primary_key=True, server_default=text("app_tenant()")),
        Column("id", Uuid, primary_key=True),
        Column("subject_kind", Text, nullable=False),
        Column("subject_id", Uuid, nullable=False),
        Column("wrapped", LargeBinary, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        UniqueConstraint("tenant_id", "subject_kind", "subject_id"),
        CheckConstraint("subject_kind in ('tenant', 'person')", name="subject_kind"),
        CheckConstraint("subject_kind <> 'tenant' or subject_id = tenant_id", name="tenant_subject"),
        info={"class": TableClass.VAULT},
    )


def create_data_keys(schema: str) -> None:
    """In a migration: creates `<schema>.data_keys` with its row-level security.

    A key is inserted, read and deleted, never changed: the grants say so.
    """
    op.execute(CreateTable(data_keys(subgraph_base(schema).metadata)))
    enable_tenant_rls(f"{schema}.data_keys", grants="select, insert, delete")


class _Stored(NamedTuple):
    id: UUID
    wrapped: bytes


class Vault:
    """Data keys of the tenant a transaction is bound to; `table` is what `data_keys` made."""

    def __init__(self, key_ring: KeyRing, table: Table) -> None:
        self._key_ring = key_ring
        self._table = table
        self._tenant_keys: OrderedDict[UUID, DataKey] = OrderedDict()

    @overload
    async def person_keys(
        self, tx: ReadTransaction, person_ids: Collection[UUID], *, create: Literal[False] = False
    ) -> dict[UUID, DataKey]: ...
    @overload
    async def person_keys(
        self, tx: TenantTransaction, person_ids: Collection[UUID], *, create: Literal[True]
    ) -> dict[UUID, DataKey]: ...
    async def person_keys(
        self, tx: ReadTransaction, person_ids: Collection[UUID], *, create: bool = False
    ) -> dict[UUID, DataKey]:
        """The keys of these people, by person; with `create`, those who have none get one.

        Without `create` a person who has no key (or has been erased) is missing from the answer. Raises Undecipherable
        when a stored key does not open.
        """
        wanted = set(person_ids)
        wrapped = await self._find_persons(tx, wanted)
        if create and (missing := wanted - wrapped.keys()):
            assert isinstance(tx, TenantTransaction)  # the overloads say so
            await self._insert(tx, "person", missing, await self.tenant_key(tx))
            wrapped |= await self._find_persons(tx, missing)  # another writer may have been first: its keys count
        if not wrapped:
            return {}
        tenant_key = await self._stored_tenant_key(tx)
        if tenant_key is None:
            raise Undecipherable
        return {
            person: _open(tenant_key, stored, _place(tx.tenant_id, "person", person, stored.id))
            for person, stored in wrapped.items()
        }

    async def tenant_key(self, tx: TenantTransaction) -> DataKey:
        """The tenant's own key, made when it has none."""
        key = await self._stored_tenant_key(tx)
        if key is None:
            await self._insert(tx, "tenant", {tx.tenant_id}, self._key_ring)
            key = await self._stored_tenant_key(tx)
        assert key is not None  # inserted above, here or by the writer who was first
        return key

    async def shred(self, tx: TenantTransaction, person_id: UUID) -> None:
        """Deletes a person's key: what it encrypted cannot be read again. Shredding twice is the same as once."""
        mine = self._table.c
        await tx.execute(
            delete(self._table).where(
                mine.tenant_id == tx.tenant_id, mine.subject_kind == "person", mine.subject_id == person_id
            )
        )

    async def _stored_tenant_key(self, tx: ReadTransaction) -> DataKey | None:
        cached = self._tenant_keys.get(tx.tenant_id)
        if cached is not None:
            self._tenant_keys.move_to_end(tx.tenant_id)
            return cached
        mine = self._table.c
        # A key made by this very transaction may still be rolled back, and what is cached would then encrypt for
        # nobody: its created_at is this transaction's own now(), that of a committed one is not.
        found = await tx.execute(
            select(mine.id, mine.wrapped, (mine.created_at != func.now()).label("settled")).where(
                mine.tenant_id == tx.tenant_id, mine.subject_kind == "tenant", mine.subject_id == tx.tenant_id
            )
        )
        row = found.one_or_none()
        if row is None:
            return None
        key = _open(self._key_ring, _Stored(row.id, row.wrapped), _place(tx.tenant_id, "tenant", tx.tenant_id, row.id))
        if row.settled:
            self._tenant_keys[tx.tenant_id] = key
            if len(self._tenant_keys) > _CACHED_TENANT_KEYS:
                self._tenant_keys.popitem(last=False)
        return key

    async def _find_persons(self, tx: ReadTransaction, person_ids: Collection[UUID]) -> dict[UUID, _Stored]:
        mine = self._table.c
        found = await tx.execute(
            select(mine.subject_id, mine.id, mine.wrapped).where(
                mine.tenant_id == tx.tenant_id,
                mine.subject_kind == "person",
                mine.subject_id == any_(bindparam("persons", list(person_ids), ARRAY(Uuid))),
            )
        )
        return {row.subject_id: _Stored(row.id, row.wrapped) for row in found}

    async def _insert(self, tx: TenantTransaction, kind: _Kind, subjects: Collection[UUID], wrapper: _Wrapper) -> None:
        """New keys in one statement, sorted so that two writers with the same people wait instead of deadlocking."""
        ids = [new_id() for _ in subjects]
        ordered = sorted(subjects)
        wrapped = [
            wrapper.wrap(aead.new_key(), _place(tx.tenant_id, kind, subject, key_id))
            for subject, key_id in zip(ordered, ids, strict=True)
        ]
        rows = func.unnest(
            bindparam("ids", ids, ARRAY(Uuid)),
            bindparam("subjects", ordered, ARRAY(Uuid)),
            bindparam("wrapped", wrapped, ARRAY(LargeBinary)),
        ).table_valued(column("id", Uuid), column("subject_id", Uuid), column("wrapped", LargeBinary))
        rows = rows.render_derived()
        source = select(literal(tx.tenant_id, Uuid), rows.c.id, literal(kind, Text), rows.c.subject_id, rows.c.wrapped)
        names = ["tenant_id", "id", "subject_kind", "subject_id", "wrapped"]
        await tx.execute(insert(self._table).from_select(names, source).on_conflict_do_nothing())


def _open(wrapper: _Wrapper, stored: _Stored, place: bytes) -> DataKey:
    return DataKey(stored.id, wrapper.unwrap(stored.wrapped, place))


def _place(tenant_id: UUID, kind: _Kind, subject_id: UUID, key_id: UUID) -> bytes:
    return aead.context(tenant_id, "data_keys", kind, subject_id, key_id)
