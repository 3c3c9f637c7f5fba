"""The inbox: effect and the row that says so in one transaction, so that an event delivered again has no second one."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from libs.crypto import KeyRing
from libs.db import Database, TenantTransaction
from libs.events.contracts import Event
from libs.events.envelope import Envelope, EventMeta, event_type, stream_subject
from libs.events.outbox import Traced
from libs.events.sealing import unseal_event
from libs.kernel import Binding, Scope
from libs.telemetry import get_logger, traceparent, tracing

Operation = Callable[[TenantTransaction, Any, EventMeta], Awaitable[None]]
Consumers = Mapping[type[Event], Operation]
"""What a subgraph's consumers.py holds: `CONSUMERS: Consumers = {TenantCreated: create_school, …}`."""

_OUTAGE_CLASSES = ("08", "53", "57P")
"""SQLSTATE: connection lost, no resources, shut down."""

_log = get_logger(__name__)


class Held(Exception):
    """An earlier event of the same aggregate has failed and comes first."""


class DatabaseOutage(Exception):
    """The database could not be asked: no event is to blame."""


class Inbox:
    """Applies events to one subgraph: each once, under system scope of its own tenant."""

    def __init__(self, database: Database, consumers: Consumers, key_ring: KeyRing) -> None:
        self._database = database
        self._key_ring = key_ring
        self._operations = {event_type(contract): (contract, operation) for contract, operation in consumers.items()}
        self.subjects = sorted({stream_subject(contract) for contract in consumers})
        """Subjects of the events that this subgraph consumes."""
        self._enter = (
            f"insert into {database.schema}.inbox (event_id, tenant_id)"  # noqa: S608 - the schema is ours
            " select * from unnest(%s::uuid[], %s::uuid[]) on conflict do nothing returning event_id"
        )

    async def apply(self, envelopes: Sequence[Envelope]) -> dict[UUID, Exception]:
        """Applies what was not applied before; answers what went wrong, by event id.

        All in one transaction; when one of them fails, each in its own. Raises DatabaseOutage.
        """
        if not envelopes:
            return {}
        try:
            await self._apply_together(envelopes)
        except Exception as error:
            if _is_outage(error):
                raise DatabaseOutage from error
            return await self._apply_singly(envelopes) if len(envelopes) > 1 else {envelopes[0].meta.id: error}
        return {}

    async def apply_in(self, tx: TenantTransaction, envelopes: Sequence[Envelope]) -> None:
        """The same within a transaction of system scope, which ends bound to another tenant; raises what fails."""
        # Sorted, so that two workers that meet the same events wait for each other instead of deadlocking.
        entries = sorted({envelope.meta.id: envelope.meta.tenant_id for envelope in envelopes}.items())
        connection = await tx.session.connection()
        entered = await connection.exec_driver_sql(
            self._enter, ([event_id for event_id, _ in entries], [tenant_id for _, tenant_id in entries])
        )
        fresh = {row[0] for row in entered}
        for envelope in sorted(envelopes, key=lambda each: each.meta.tenant_id):  # fewer turns; order within a tenant
            if envelope.meta.id in fresh:
                fresh.remove(envelope.meta.id)
                await self._run(tx, envelope)

    async def _apply_together(self, envelopes: Sequence[Envelope]) -> None:
        async with self._database.write(Binding(envelopes[0].meta.tenant_id, Scope.SYSTEM)) as tx:
            await self.apply_in(tx, envelopes)

    async def _apply_singly(self, envelopes: Sequence[Envelope]) -> dict[UUID, Exception]:
        errors: dict[UUID, Exception] = {}
        failed: set[UUID] = set()
        for envelope in envelopes:
            if envelope.subject_id in failed:
                errors[envelope.meta.id] = Held()
            elif error := await self.apply([envelope]):
                errors |= error
                failed.add(envelope.subject_id)
        return errors

    async def _run(self, tx: TenantTransaction, envelope: Envelope) -> None:
        contract, operation = self._operations.get(envelope.type, (None, None))
        if contract is None or operation is None:
            return  # another version under the same subject: published beside the one that is consumed
        if tx.tenant_id != envelope.meta.tenant_id:
            await tx.rebind(Binding(envelope.meta.tenant_id, Scope.SYSTEM))
        event = unseal_event(self._key_ring, envelope.meta.tenant_id, contract, envelope.data)
        before = len(tx.pending_events)
        with tracing(envelope.traceparent):
            await operation(tx, event, envelope.meta)
            await tx.flush()
            for index in range(before, len(tx.pending_events)):
                tenant_id, emitted = tx.pending_events[index]
                tx.pending_events[index] = (tenant_id, Traced(emitted, traceparent()))
        # The next operation reads anew: the one before may have written beside the session.
        tx.session.expunge_all()


def _is_outage(error: Exception) -> bool:
    if isinstance(error, PoolTimeoutError):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if not isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(_OUTAGE_CLASSES)
