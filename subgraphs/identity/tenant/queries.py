"""Schools as the graph shows them, and as others are told of them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, FromClause, Integer, func, select

from libs.db import TenantTransaction
from libs.events.contracts.identity import TenantEvent
from libs.kernel import Conflict, NotFound
from subgraphs.identity.audit.queries import Deed, Doer, record
from subgraphs.identity.tenant.model import CountedPerson, CountedStorage, Tenant

SCHOOLS: FromClause = select(Tenant.__table__).where(Tenant.level.is_not(None)).subquery("schools")
"""Every tenant but the platform's own."""


_MEBIBYTE = 2**20
_STATE = ("slug", "name", "npsn", "level", "timezone", "status", "features", "quotas")


def state_event(contract: type[TenantEvent], tenant: Mapping[str, Any]) -> TenantEvent:
    """An event about a tenant with its full state, given as a row's columns."""
    state = {name: tenant[name] for name in _STATE}
    return contract(tenant_id=tenant["id"], **state | {"features": tuple(state["features"])})


async def school_to_change(tx: TenantTransaction, tenant_id: UUID, *, expected_version: int | None = None) -> Tenant:
    """The row of a school, locked; the transaction is the platform's, whose own tenant is no school.

    Raises NotFound, and Conflict when it has another version than expected.
    """
    wanted = (Tenant.id == tenant_id, Tenant.level.is_not(None))
    school = await tx.scalar(select(Tenant).where(*wanted).with_for_update())
    if school is None:
        raise NotFound
    if expected_version not in (None, school.version):
        raise Conflict(current_version=school.version)
    return school


async def change_school(
    tx: TenantTransaction,
    school: Tenant,
    changes: Mapping[str, Any],
    *,
    contract: type[TenantEvent],
    action: str,
    doer: Doer,
    reason: str | None = None,
) -> bool:
    """Writes what differs, tells everybody, and records the deed in the school's log; says whether anything differed.

    `action` is that of the log, like `tenant.updated`.
    """
    before = {name: getattr(school, name) for name in changes}
    changed = {name: value for name, value in changes.items() if value != before[name]}
    if not changed:
        return False
    for name, value in changed.items():
        setattr(school, name, value)
    school.version += 1
    await tx.flush()
    state = {name: getattr(school, name) for name in ("id", *_STATE)}
    tx.emit(state_event(contract, state), tenant_id=school.id)
    deed = Deed(
        action=action,
        resource_type="tenant",
        resource_id=school.id,
        old_values={name: before[name] for name in changed},
        new_values=changed | ({"reason": reason} if reason else {}),
    )
    async with tx.acting_in(school.id):
        await record(tx, doer, deed)
    return True


def counted(tenant_id: ColumnElement[UUID], kind: str) -> ColumnElement[int]:
    """How many people of a kind (STUDENT, TEACHER) count against the quotas of the school of a row."""
    person = CountedPerson.__table__.alias()
    wanted = (person.c.tenant_id == tenant_id, person.c.kind == kind, person.c.counts)
    return select(func.count()).select_from(person).where(*wanted).scalar_subquery()


def stored_mebibytes(tenant_id: ColumnElement[UUID]) -> ColumnElement[int]:
    """What all subgraphs keep for the school of a row, the last mebibyte counted whole: bytes outgrow GraphQL's Int."""
    kept = CountedStorage.__table__.alias()
    total = func.coalesce(func.sum(kept.c.kept_bytes), 0).cast(BigInteger)
    mebibytes = (total + _MEBIBYTE - 1) // _MEBIBYTE
    return select(mebibytes.cast(Integer)).select_from(kept).where(kept.c.tenant_id == tenant_id).scalar_subquery()


def quota(table: FromClause, name: str) -> ColumnElement[int]:
    """The most there may be by a school's quotas, null without a limit."""
    limit: ColumnElement[int] = table.c.quotas[name].astext.cast(Integer)
    return limit
