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
    Executable,
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
        # Built once: consumers ask for keys with every event, and building costs more than asking.
        self._select_tenant, self._select_persons, self._insert_keys = _statements(table)

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
            wrapped |= await self._insert(tx, "person", missing, await self.tenant_key(tx))
            if raced := wanted - wrapped.keys():  # another writer was first: its keys count
                wrapped |= await self._find_persons(tx, raced)
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
        found = await tx.execute(self._select_tenant, {"tenant": tx.tenant_id})
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
        found = await tx.execute(self._select_persons, {"tenant": tx.tenant_id, "persons": list(person_ids)})
        return {row.subject_id: _Stored(row.id, row.wrapped) for row in found}

    async def _insert(
        self, tx: TenantTransaction, kind: _Kind, subjects: Collection[UUID], wrapper: _Wrapper
    ) -> dict[UUID, _Stored]:
        """New keys in one statement, sorted so that two writers with the same people wait instead of deadlocking.

        Returns those that were new.
        """
        ids = [new_id() for _ in subjects]
        ordered = sorted(subjects)
        wrapped = [
            wrapper.wrap(aead.new_key(), _place(tx.tenant_id, kind, subject, key_id))
            for subject, key_id in zip(ordered, ids, strict=True)
        ]
        given = {"tenant": tx.tenant_id, "kind": kind, "ids": ids, "subjects": ordered, "wrapped_keys": wrapped}
        made = await tx.execute(self._insert_keys, given)
        return {row.subject_id: _Stored(row.id, row.wrapped) for row in made}


def _statements(table: Table) -> tuple[Executable, Executable, Executable]:
    """The tenant's key; the keys of persons; new keys."""
    mine = table.c
    # A key made by the reading transaction may still be rolled back, and what is cached would then encrypt for nobody:
    # its created_at is that transaction's own now(), that of a committed one is not.
    settled = (mine.created_at != func.now()).label("settled")
    select_tenant = select(mine.id, mine.wrapped, settled).where(
        mine.tenant_id == bindparam("tenant"),
        mine.subject_kind == "tenant",
        mine.subject_id == bindparam("tenant"),
    )
    select_persons = select(mine.subject_id, mine.id, mine.wrapped).where(
        mine.tenant_id == bindparam("tenant"),
        mine.subject_kind == "person",
        mine.subject_id == any_(bindparam("persons", type_=ARRAY(Uuid))),
    )
    rows = func.unnest(
        bindparam("ids", type_=ARRAY(Uuid)),
        bindparam("subjects", type_=ARRAY(Uuid)),
        bindparam("wrapped_keys", type_=ARRAY(LargeBinary)),
    ).table_valued(column("id", Uuid), column("subject_id", Uuid), column("wrapped", LargeBinary))
    new = rows.render_derived().c
    source = select(bindparam("tenant", type_=Uuid), new.id, bindparam("kind", type_=Text), new.subject_id, new.wrapped)
    names = ["tenant_id", "id", "subject_kind", "subject_id", "wrapped"]
    insert_keys = (
        insert(table)
        .from_select(names, source)
        .on_conflict_do_nothing()
        .returning(mine.subject_id, mine.id, mine.wrapped)
    )
    return select_tenant, select_persons, insert_keys


def _open(wrapper: _Wrapper, stored: _Stored, place: bytes) -> DataKey:
    return DataKey(stored.id, wrapper.unwrap(stored.wrapped, place))


def _place(tenant_id: UUID, kind: _Kind, subject_id: UUID, key_id: UUID) -> bytes:
    return aead.context(tenant_id, "data_keys", kind, subject_id, key_id)
