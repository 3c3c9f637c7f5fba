"""Projections: what a subgraph keeps of another one's aggregates, by the highest sequence seen."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Table, func, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.orm import DeclarativeBase

from libs.db import ReadTransaction, TenantProjection, TenantTransaction
from libs.events.contracts.academic import AcademicStorageCounted
from libs.events.contracts.identity import IdentityStorageCounted, TenantEvent
from libs.events.contracts.operations import OperationsStorageCounted
from libs.events.envelope import EventMeta

StorageCounted = AcademicStorageCounted | IdentityStorageCounted | OperationsStorageCounted


def upsert_if_newer(
    table: Table | type[DeclarativeBase],
    values: Mapping[str, Any],
    *,
    sequence: int,
    keys: Sequence[str] = ("tenant_id", "id"),
) -> Insert:
    """One statement that writes a projection's row unless a later event has written it already.

    `values` holds columns by name; a key left out takes its default (tenant_id that of the transaction). Sequences are
    those of one subgraph: a row fed by two subgraphs needs a column, and a table, of its own for each.
    """
    target = table if isinstance(table, Table) else cast(Table, table.__table__)
    return _template(target, tuple(values), tuple(keys)).values({**values, "sequence": sequence})


async def keep_tenant(tx: TenantTransaction, table: type[DeclarativeBase], event: TenantEvent, meta: EventMeta) -> None:
    """Keeps what a subgraph knows of a school in its TenantProjection, unless a later event has written it already."""
    values = {
        "id": event.tenant_id,
        "slug": event.slug,
        "name": event.name,
        "npsn": event.npsn,
        "level": event.level,
        "timezone": event.timezone,
        "status": event.status,
        "features": list(event.features),
        "quotas": dict(event.quotas),
    }
    await tx.execute(upsert_if_newer(table, values, sequence=meta.sequence))


async def keep_storage(
    tx: TenantTransaction, table: type[DeclarativeBase], event: StorageCounted, meta: EventMeta
) -> None:
    """Keeps what a domain says it keeps for the school in a StorageProjection, unless it has said something later."""
    values = {"domain": event.domain, "kept_bytes": event.kept_bytes}
    await tx.execute(upsert_if_newer(table, values, sequence=meta.sequence, keys=("tenant_id", "domain")))


async def school_day(tx: ReadTransaction, table: type[TenantProjection], moment: datetime) -> date:
    """The date of a moment on the clock of the transaction's school; Jakarta's while the school is not known."""
    zone = await tx.scalar(select(table.timezone).where(table.tenant_id == tx.tenant_id))
    return moment.astimezone(ZoneInfo(zone or "Asia/Jakarta")).date()


# Building the conflict clause costs more than running the statement, and consumers run few statements often.
@cache
def _template(target: Table, names: tuple[str, ...], keys: tuple[str, ...]) -> Insert:
    statement = insert(target)
    changes: dict[str, Any] = {name: statement.excluded[name] for name in (*names, "sequence") if name not in keys}
    if "updated_at" in target.c:
        changes["updated_at"] = func.now()
    return statement.on_conflict_do_update(
        index_elements=list(keys), set_=changes, where=target.c.sequence < statement.excluded.sequence
    )
