"""The outbox: events written in the transaction of the change they tell of, by one statement right before COMMIT."""

from dataclasses import dataclass
from uuid import UUID

from libs.crypto import KeyRing
from libs.db import TenantTransaction
from libs.db.database import DomainEvent
from libs.events.contracts import Event
from libs.events.envelope import event_type, stream_subject
from libs.events.sealing import seal_event
from libs.kernel import new_id
from libs.telemetry import traceparent


@dataclass(frozen=True, slots=True)
class Traced:
    """An event whose trace differs from that of the flush: consumers commit several traces in one transaction."""

    event: DomainEvent
    traceparent: str

    @property
    def aggregate_id(self) -> UUID:
        """The id of the event's aggregate."""
        return self.event.aggregate_id


def outbox_channel(schema: str) -> str:
    """The channel on which the relay of a schema waits."""
    return f"{schema}_outbox"


class OutboxWriter:
    """The `on_flush` hook of a subgraph's Database: seals what was emitted, writes the rows, wakes the relay."""

    def __init__(self, schema: str, key_ring: KeyRing) -> None:
        self._key_ring = key_ring
        # The order of the numbers is the order of emission, hence the explicit sort under the identity column.
        self._insert = (
            f"with written as (insert into {schema}.outbox"  # noqa: S608 - the schema is ours
            " (id, tenant_id, subject, type, aggregate_id, time, traceparent, data)"
            " select id, tenant_id, subject, type, aggregate_id, %s, traceparent, data"
            " from unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::uuid[], %s::text[], %s::jsonb[])"
            " with ordinality as e (id, tenant_id, subject, type, aggregate_id, traceparent, data, position)"
            f" order by position) select pg_notify('{outbox_channel(schema)}', '')"
        )

    async def __call__(self, tx: TenantTransaction) -> None:
        """Writes `tx.pending_events`. Raises TypeError for what is no contract."""
        trace = traceparent()
        rows = [self._row(tenant_id, event, trace) for tenant_id, event in tx.pending_events]
        connection = await tx.session.connection()
        await connection.exec_driver_sql(self._insert, (tx.now, *(list(column) for column in zip(*rows, strict=True))))

    def _row(self, tenant_id: UUID, emitted: object, trace: str) -> tuple[UUID, UUID, str, str, UUID, str, str]:
        if isinstance(emitted, Traced):
            trace, emitted = emitted.traceparent, emitted.event
        if not isinstance(emitted, Event):
            raise TypeError(f"{type(emitted).__name__} is not an event contract")
        contract = type(emitted)
        data = seal_event(self._key_ring, tenant_id, emitted).decode()
        subject = stream_subject(contract, tenant_id)
        return new_id(), tenant_id, subject, event_type(contract), emitted.aggregate_id, trace, data
