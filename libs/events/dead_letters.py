"""Dead letters: events that failed at every delivery, kept as they came (sealed), for an operator to act on."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import text

from libs.db import ReadTransaction, TenantTransaction
from libs.events.envelope import Envelope, unpack
from libs.events.inbox import Inbox
from libs.kernel import DomainError, NotFound


class DeadLetterResolved(DomainError):
    """The dead letter was replayed or discarded already. Data: `status`."""

    code = "DEAD_LETTER_RESOLVED"
    texts: ClassVar = {
        "id": "Pesan ini sudah diselesaikan ({status}).",
        "en": "This message has been resolved ({status}).",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A failed event without its content. `error` is the class of what went wrong."""

    id: UUID
    tenant_id: UUID
    event_id: UUID
    type: str
    error: str
    deliveries: int
    failed_at: datetime
    status: str
    reason: str | None
    resolved_at: datetime | None


class DeadLetters:
    """The dead letters of one subgraph. A transaction sees those of its tenant, one of the platform every tenant's."""

    def __init__(self, schema: str) -> None:
        columns = ", ".join(field.name for field in fields(DeadLetter))
        mine = "(tenant_id = :tenant_id or :tenant_id = app_platform())"
        table = f"{schema}.dead_letters"
        self._bury = text(
            f"insert into {table} (id, tenant_id, event_id, type, body, error, deliveries, failed_at)"  # noqa: S608
            " values (:id, :tenant_id, :event_id, :type, cast(:body as jsonb), :error, :deliveries, :failed_at)"
            " on conflict (event_id) do update set error = excluded.error, deliveries = excluded.deliveries,"
            " failed_at = excluded.failed_at, status = 'OPEN', reason = null, resolved_at = null"
        )
        self._find = text(
            f"select {columns} from {table} where {mine} and status = :status"  # noqa: S608 - our own names
            " order by id desc limit :limit"
        )
        self._lock = text(
            f"select status, body::text from {table} where {mine} and id = :id for update"  # noqa: S608
        )
        self._resolve = text(
            f"update {table} set status = :status, reason = :reason, resolved_at = :now where id = :id"  # noqa: S608
        )

    async def bury(self, tx: TenantTransaction, envelope: Envelope, *, error: Exception, deliveries: int) -> None:
        """Keeps a failed event; one that fails again after a replay opens its letter again."""
        values = {
            "id": tx.new_id(),
            "tenant_id": envelope.meta.tenant_id,
            "event_id": envelope.meta.id,
            "type": envelope.type,
            "body": envelope.body.decode(),
            # the class alone: a message may quote a value
            "error": f"{type(error).__module__}.{type(error).__qualname__}",
            "deliveries": deliveries,
            "failed_at": tx.now,
        }
        await tx.execute(self._bury, values)

    async def find(self, tx: ReadTransaction, *, status: str = "OPEN", limit: int = 100) -> list[DeadLetter]:
        """The newest dead letters of a status, without their bodies."""
        rows = await tx.execute(self._find, {"tenant_id": tx.tenant_id, "status": status, "limit": limit})
        return [DeadLetter(**row) for row in rows.mappings()]

    async def replay(self, tx: TenantTransaction, inbox: Inbox, dead_letter_id: UUID) -> None:
        """Applies the event now, in this transaction of system scope; whatever the operation raises comes out.

        Raises NotFound, DeadLetterResolved.
        """
        envelope = unpack((await self._open(tx, dead_letter_id)).encode())
        await inbox.apply_in(tx, [envelope])
        await self._close(tx, dead_letter_id, status="REPLAYED", reason=None)

    async def discard(self, tx: TenantTransaction, dead_letter_id: UUID, *, reason: str) -> None:
        """Gives the event up. Raises NotFound, DeadLetterResolved."""
        await self._open(tx, dead_letter_id)
        await self._close(tx, dead_letter_id, status="DISCARDED", reason=reason)

    async def _open(self, tx: TenantTransaction, dead_letter_id: UUID) -> str:
        found = (await tx.execute(self._lock, {"tenant_id": tx.tenant_id, "id": dead_letter_id})).one_or_none()
        if found is None:
            raise NotFound
        if found.status != "OPEN":
            raise DeadLetterResolved(status=found.status)
        body: str = found.body
        return body

    async def _close(self, tx: TenantTransaction, dead_letter_id: UUID, *, status: str, reason: str | None) -> None:
        await tx.execute(self._resolve, {"status": status, "reason": reason, "now": tx.now, "id": dead_letter_id})
