"""Loading a school register: all of it or nothing, and nothing twice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, any_, bindparam, column, func, insert, select, text, update

from libs.auth import Actor, system_binding
from libs.db import TenantTransaction
from libs.events.contracts.identity import TenantCreated, TenantUpdated
from libs.files import Content
from libs.kernel import PLATFORM_TENANT_ID, InvalidInput
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.tenant.imports import RegisterRow, read_register
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.operations.create_tenant import schedule_purges, tenant_row
from subgraphs.identity.tenant.queries import state_event
from subgraphs.identity.tenant.rules import fault

_TENANTS = Tenant.__table__
_CHANGED = ("name", "level", "ownership", "region")
_CREATED = ("slug", "npsn", *_CHANGED, "timezone")


@dataclass(frozen=True, slots=True)
class ImportedTenants:
    """What became of the rows of a register."""

    created: int
    updated: int
    unchanged: int


@dataclass(slots=True)
class _Plan:
    """What an import would do: rows of new tenants and of changed ones, as they will be."""

    created: list[dict[str, Any]] = field(default_factory=list)
    updated: list[dict[str, Any]] = field(default_factory=list)
    unchanged: int = 0

    def outcome(self) -> ImportedTenants:
        return ImportedTenants(len(self.created), len(self.updated), self.unchanged)


async def import_tenants(
    tx: TenantTransaction, *, actor: Actor, register: Content, dry_run: bool, origin: Origin
) -> ImportedTenants:
    """Creates the schools that are new and updates those whose entry changed, matched by NPSN.

    Runs in the platform's tenant. A dry run tells the same and writes nothing. Raises InvalidInput with the faults of
    all lines. A school keeps the time zone and the slug it has.
    """
    rows = read_register(register)
    # Two registers at once would see the same schools missing.
    await tx.execute(text("select pg_advisory_xact_lock(hashtext('identity.import_tenants'))"))
    plan = await _plan(tx, rows)
    if dry_run:
        return plan.outcome()
    if plan.created:
        taken = InvalidInput([fault("input.file.text", "TAKEN")])
        async with tx.rejecting({"uq_tenants_slug": lambda: taken, "uq_tenants_npsn": lambda: taken}):
            await _insert(tx, plan.created)
        await schedule_purges(tx, (row["id"] for row in plan.created))
    if plan.updated:
        await _update(tx, plan.updated)
    for row in plan.created:
        tx.emit(state_event(TenantCreated, row), tenant_id=row["id"])
    for row in plan.updated:
        tx.emit(state_event(TenantUpdated, row), tenant_id=row["id"])
    await _record(tx, plan, actor, origin)
    return plan.outcome()


async def _plan(tx: TenantTransaction, rows: Sequence[RegisterRow]) -> _Plan:
    numbers, slugs = [row.npsn for row in rows], [row.slug for row in rows]
    known = (
        await tx.execute(
            select(_TENANTS).where(
                (_TENANTS.c.npsn == any_(bindparam("numbers", numbers, ARRAY(Text))))
                | (_TENANTS.c.slug == any_(bindparam("slugs", slugs, ARRAY(Text))))
            )
        )
    ).mappings()
    by_number: dict[str | None, dict[str, Any]] = {}
    numbers_by_slug: dict[str, str | None] = {}
    for tenant in known:
        by_number[tenant["npsn"]] = dict(tenant)
        numbers_by_slug[tenant["slug"]] = tenant["npsn"]
    taken = [row for row in rows if row.npsn not in by_number and row.slug in numbers_by_slug]
    if taken:
        raise InvalidInput([fault(row.path("npsn"), "TAKEN") for row in taken])
    plan = _Plan()
    for row in rows:
        before = by_number.get(row.npsn)
        if before is None:
            plan.created.append(tenant_row(tx.new_id(), **{name: getattr(row, name) for name in _CREATED}))
        elif any(before[name] != getattr(row, name) for name in _CHANGED):
            plan.updated.append(before | {name: getattr(row, name) for name in _CHANGED})
        else:
            plan.unchanged += 1
    return plan


def _unnested(rows: Sequence[dict[str, Any]], names: Iterable[str]) -> Any:
    arrays = [bindparam("ids", [row["id"] for row in rows], ARRAY(Uuid))]
    arrays += [bindparam(f"{name}s", [row[name] for row in rows], ARRAY(Text)) for name in names]
    columns = [column("id", Uuid), *(column(name, Text) for name in names)]
    return func.unnest(*arrays).table_valued(*columns).render_derived(name="given")


async def _insert(tx: TenantTransaction, rows: Sequence[dict[str, Any]]) -> None:
    given = _unnested(rows, _CREATED)
    features = bindparam("features", rows[0]["features"], ARRAY(Text))  # every new tenant has the same ones
    source = select(given, features)
    await tx.execute(insert(_TENANTS).from_select(["id", *_CREATED, "features"], source, include_defaults=False))


async def _update(tx: TenantTransaction, rows: Sequence[dict[str, Any]]) -> None:
    given = _unnested(rows, _CHANGED)
    values: dict[str, Any] = {name: given.c[name] for name in _CHANGED}
    values["version"] = _TENANTS.c.version + 1
    await tx.execute(update(_TENANTS).values(values | {"updated_at": tx.now}).where(_TENANTS.c.id == given.c.id))


async def _record(tx: TenantTransaction, plan: _Plan, actor: Actor, origin: Origin) -> None:
    """One entry per school in the platform's log, and one in the school's own."""
    deeds = [
        Deed(
            action=action,
            resource_type="tenant",
            resource_id=row["id"],
            new_values={name: row[name] for name in ("slug", *_CHANGED)},
        )
        for action, rows in (("tenant.created", plan.created), ("tenant.updated", plan.updated))
        for row in rows
    ]
    if not deeds:
        return
    await record(tx, Doer.of(actor, origin), *deeds)
    doer = Doer(actor.user_id, actor.home_tenant_id)
    for deed in deeds:
        school: UUID | None = deed.resource_id
        assert school is not None  # set above
        await tx.rebind(system_binding(school))
        await record(tx, doer, deed)
    await tx.rebind(system_binding(PLATFORM_TENANT_ID))
