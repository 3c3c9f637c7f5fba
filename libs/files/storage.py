"""How much a subgraph keeps for a school: counted, with what others keep, against its quota, and told to them."""

from collections.abc import AsyncGenerator
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, Column, ColumnElement, Table, Text, Uuid, column, func, select, table, text
from sqlalchemy.dialects.postgresql import JSONB

from libs.db import ReadTransaction, TenantTransaction
from libs.db.database import DomainEvent
from libs.kernel import Binding, Quota, QuotaExceeded, Scope

MEBIBYTE: Final = 2**20
_PER_GIGABYTE: Final = 1024
E = TypeVar("E", bound=DomainEvent)
E_co = TypeVar("E_co", bound=DomainEvent, covariant=True)


class Contract(Protocol[E_co]):
    """The event by which a subgraph tells the bytes it keeps for a school in all."""

    def __call__(self, *, tenant_id: UUID, kept_bytes: int) -> E_co: ...


class Storage(Generic[E]):
    """What one subgraph keeps for each school: its table `files`, and what lies elsewhere.

    `contract` is the subgraph's own event; `also` are further columns of sizes (bytes, null: no file) of tables that
    have a `tenant_id`. What other subgraphs keep is what they told last: its table `counted_storage`.
    """

    def __init__(self, files: Table, contract: Contract[E], *also: Column[int]) -> None:
        self._sizes: tuple[Column[int], ...] = (files.c.size, *also)
        self._tenants = table("tenants", column("id"), column("quotas", JSONB), schema=files.schema)
        told = (column("tenant_id", Uuid), column("domain", Text), column("kept_bytes", BigInteger))
        self._counted = table("counted_storage", *told, schema=files.schema)
        self._contract = contract
        self._name = f"{files.schema}.files"

    async def reserve(self, tx: TenantTransaction, size: int) -> None:
        """Tells the total with `size` more bytes, which the caller writes into one of the columns in this transaction.

        Whoever changes a total of this school waits until the transaction ends. Raises QuotaExceeded.
        """
        kept = await self._total(tx, tx.tenant_id)
        gigabytes = await self._gigabytes(tx)
        if gigabytes is not None:
            used = kept + await self._elsewhere(tx)
            if used + size > gigabytes * _PER_GIGABYTE * MEBIBYTE:
                raise QuotaExceeded(quota=Quota.STORAGE, used=used // MEBIBYTE, allowed=gigabytes * _PER_GIGABYTE)
        tx.emit(self._contract(tenant_id=tx.tenant_id, kept_bytes=kept + size))

    async def tell(self, tx: TenantTransaction, tenant_id: UUID) -> None:
        """Tells the total as it is now that something was written; another tenant's only from the platform."""
        total = await self._total(tx, tenant_id)
        tx.emit(self._contract(tenant_id=tenant_id, kept_bytes=total), tenant_id=tenant_id)

    async def snapshot(self, tx: TenantTransaction) -> AsyncGenerator[E, None]:
        """The total of the transaction's tenant, for an operator who has it told again."""
        yield self._contract(tenant_id=tx.tenant_id, kept_bytes=await self._total(tx, tx.tenant_id))

    async def _total(self, tx: ReadTransaction, tenant_id: UUID) -> int:
        # Whoever told before has ended when this counts: later numbers are newer totals, and no two see the same room.
        lock = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")
        await tx.execute(lock, {"name": f"{self._name}/{tenant_id}"})
        # System scope: who sees only what is theirs counts all the same what everybody has.
        async with tx.reading_as(Binding(tenant_id, Scope.SYSTEM)):
            sums = [self._sum(size, tenant_id) for size in self._sizes]
            return sum(map(int, (await tx.execute(select(*sums))).one()))

    async def _elsewhere(self, tx: ReadTransaction) -> int:
        """What the other subgraphs told last; identity's own row, which it keeps for the figures of schools, apart."""
        counted = self._counted.c
        others = (counted.tenant_id == tx.tenant_id, counted.domain != self._counted.schema)
        async with tx.reading_as(Binding(tx.tenant_id, Scope.SYSTEM)):
            return int(
                (await tx.execute(select(func.coalesce(func.sum(counted.kept_bytes), 0)).where(*others))).scalar_one()
            )

    def _sum(self, size: Column[int], tenant_id: UUID) -> ColumnElement[int]:
        kept = select(func.coalesce(func.sum(size), 0)).where(size.table.c.tenant_id == tenant_id)
        return kept.scalar_subquery()

    async def _gigabytes(self, tx: ReadTransaction) -> int | None:
        tenants = self._tenants.c
        quotas = (await tx.execute(select(tenants.quotas).where(tenants.id == tx.tenant_id))).scalar_one_or_none()
        gigabytes: int | None = (quotas or {}).get("storage_gb")
        return gigabytes
