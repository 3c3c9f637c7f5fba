"""Writing the audit log: what every aggregate does in the transaction of a deed, so that neither stands alone.

It stands here and not in operations.py because siblings share it; nobody calls it as a use case.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import insert

from libs.auth import Actor, system_binding
from libs.db import Database, TenantTransaction
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.audit.model import AuditLog

# The table instead of the class: nothing of an entry is read back.
_INSERT = insert(AuditLog.__table__)


class Origin(Protocol):
    """Where a deed comes from; a request of the graph is one. `database` writes the platform's copy of its deeds."""

    @property
    def address(self) -> str: ...
    @property
    def user_agent(self) -> str: ...
    @property
    def database(self) -> Database: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What was done: `action` like `user.created`; protected values are masked or left out."""

    action: str
    resource_type: str | None = None
    resource_id: UUID | None = None
    old_values: Mapping[str, Any] | None = None
    new_values: Mapping[str, Any] | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Doer:
    """Who did it, and from where. Without a user: a consumer, a job, or somebody who is not signed in (yet)."""

    user_id: UUID | None = None
    home_tenant_id: UUID | None = None
    origin: Origin | None = None

    @classmethod
    def of(cls, actor: Actor, origin: Origin) -> "Doer":
        """Somebody who is signed in."""
        return cls(actor.user_id, actor.home_tenant_id, origin)


NOBODY = Doer()


async def record(tx: TenantTransaction, doer: Doer, *deeds: Deed) -> None:
    """Writes entries to the log of the transaction's tenant.

    What a platform administrator does in a school is written to the platform's log too, right after the commit: row
    security lets no transaction of a school touch another tenant's log.
    """
    await tx.execute(_INSERT, [_entry(tx, tx.tenant_id, doer, deed) for deed in deeds])
    if doer.origin is not None and doer.home_tenant_id == PLATFORM_TENANT_ID != tx.tenant_id:
        entries = [_entry(tx, PLATFORM_TENANT_ID, doer, deed) | {"about_tenant_id": tx.tenant_id} for deed in deeds]
        tx.after_commit.append(_copying(doer.origin.database, entries))


def _copying(database: Database, entries: Sequence[dict[str, Any]]) -> Callable[[], Awaitable[None]]:
    async def copy() -> None:
        async with database.write(system_binding(PLATFORM_TENANT_ID)) as tx:
            await tx.execute(_INSERT, entries)

    return copy


def _entry(tx: TenantTransaction, tenant_id: UUID, doer: Doer, deed: Deed) -> dict[str, Any]:
    return {
        "tenant_id": tenant_id,
        "id": tx.new_id(),
        "day": tx.now.date(),
        "user_id": doer.user_id,
        "user_tenant_id": doer.home_tenant_id,
        "about_tenant_id": None,
        "action": deed.action,
        "resource_type": deed.resource_type,
        "resource_id": deed.resource_id,
        "old_values": deed.old_values,
        "new_values": deed.new_values,
        "ip_address": doer.origin and doer.origin.address,
        "user_agent": doer.origin and doer.origin.user_agent,
        "status": "FAILURE" if deed.error else "SUCCESS",
        "error_message": deed.error,
        "created_at": tx.now,
    }
