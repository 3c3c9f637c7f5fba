"""Writing the audit log: in the transaction of the deed, so that one never stands without the other."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import insert

from libs.auth import Actor
from libs.db import TenantTransaction
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.audit.model import AuditLog
from subgraphs.identity.audit.rules import SYSTEM, Origin, partitions

_MONTHS_AHEAD = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What was done: `action` like `user.created`; values without a protected one in clear."""

    action: str
    resource_type: str | None = None
    resource_id: UUID | None = None
    old_values: Mapping[str, Any] | None = None
    new_values: Mapping[str, Any] | None = None
    error: str | None = None
    tenants: Collection[UUID] = field(default_factory=tuple)


async def record(
    tx: TenantTransaction, deeds: Sequence[Deed], *, actor: Actor | None, origin: Origin = SYSTEM, by: UUID | None = None
) -> None:
    """Writes entries to the tenant's log, and to those of `Deed.tenants`.

    `by` names who did it where there is no actor yet (a sign-in). What a platform administrator does in a school
    stands in both logs.
    """
    rows = [_entry(tx, deed, tenant, actor, origin, by) for deed in deeds for tenant in _logs(tx, deed, actor)]
    # The table instead of the class, and no RETURNING: an entry for another tenant's log may be written, not read.
    await tx.execute(insert(AuditLog.__table__), rows)


def _logs(tx: TenantTransaction, deed: Deed, actor: Actor | None) -> set[UUID]:
    both = {PLATFORM_TENANT_ID} if actor is not None and actor.is_platform else set()
    return {tx.tenant_id, *deed.tenants, *both}


def _entry(
    tx: TenantTransaction, deed: Deed, tenant_id: UUID, actor: Actor | None, origin: Origin, by: UUID | None
) -> dict[str, Any]:
    return {
        "tenant_id": tenant_id,
        "id": tx.new_id(),
        "day": tx.now.date(),
        "user_id": actor.user_id if actor else by,
        "user_tenant_id": actor.home_tenant_id if actor else tx.tenant_id,
        "action": deed.action,
        "resource_type": deed.resource_type,
        "resource_id": deed.resource_id,
        "old_values": deed.old_values,
        "new_values": deed.new_values,
        "ip_address": origin.address or None,
        "user_agent": origin.user_agent or None,
        "status": "FAILURE" if deed.error else "SUCCESS",
        "error_message": deed.error,
        "created_at": tx.now,
    }


def add_partitions(connection: psycopg.Connection[Any], today: date) -> None:
    """Makes the partitions of this month and the next twelve, as the schema's owner; those that exist stay.

    `migrate` does it at every deployment: the application's own role has no right to make tables. A month that nobody
    prepared goes to the default partition.
    """
    connection.execute("set role identity_owner")
    for name, first, end in partitions(today, _MONTHS_AHEAD):
        if connection.execute("select to_regclass(%s)", (f"identity.{name}",)).fetchone() == (None,):
            statement = "create table {} partition of identity.audit_logs for values from ({}) to ({})"
            table = sql.Identifier("identity", name)
            connection.execute(sql.SQL(statement).format(table, sql.Literal(first), sql.Literal(end)))
