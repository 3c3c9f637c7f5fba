"""Replay re-reads the stream into one subgraph; snapshot makes an owner tell the state of its aggregates again."""

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime
from uuid import UUID

from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from libs.db import Database, TenantTransaction
from libs.events.broker import STREAM, Pull
from libs.events.contracts import Event
from libs.events.dead_letters import DeadLetters
from libs.events.envelope import unpack
from libs.events.inbox import Inbox
from libs.kernel import Binding, Scope, new_id

Snapshots = Mapping[str, Callable[[TenantTransaction], AsyncGenerator[Event, None]]]
"""How an owner tells the state of its aggregates again: `{"student": tell_students, …}`.

The function reads the aggregates of the transaction's tenant with `for share`, so that a change meanwhile gets the
later sequence, and yields one event with the full state of each.
"""

_BATCH = 64
_IDLE_SECONDS = 5.0


async def replay(
    js: JetStreamContext,
    database: Database,
    inbox: Inbox,
    *,
    since: datetime | None = None,
    sequence: int | None = None,
) -> int:
    """Reads the stream again, from a time or a sequence of the stream (else its start), into one subgraph.

    Events that the inbox knows have no second effect: this brings back what was lost, e.g. behind a restored backup, or
    what passed before the subgraph listened for it. Failing ones go to dead letters. Answers how many were read.
    """
    config = ConsumerConfig(
        name=f"replay-{new_id()}",
        filter_subjects=inbox.subjects,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=60.0,
        deliver_policy=DeliverPolicy.ALL,
    )
    if sequence is not None:
        config = config.evolve(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=sequence)
    elif since is not None:
        config = config.evolve(deliver_policy=DeliverPolicy.BY_START_TIME, opt_start_time=since)
    info = await js.add_consumer(STREAM, config)
    read, pending = 0, info.num_pending or 0
    dead_letters = DeadLetters(database.schema)
    async with Pull(js, info.name, batch=_BATCH) as pull:
        while read < pending:
            messages = await pull.next_batch(_IDLE_SECONDS)
            if not messages:
                break
            envelopes = [unpack(message.data) for message in messages]
            for event_id, error in (await inbox.apply(envelopes)).items():
                envelope = next(each for each in envelopes if each.meta.id == event_id)
                async with database.write(Binding(envelope.meta.tenant_id, Scope.SYSTEM)) as tx:
                    await dead_letters.bury(tx, envelope, error=error, deliveries=1)
            read += len(messages)
    await js.delete_consumer(STREAM, info.name)
    return read


async def snapshot(
    database: Database, snapshots: Snapshots, tenants: Iterable[UUID], *, aggregate: str | None = None
) -> int:
    """Emits the state of the owner's aggregates again, tenant by tenant: projections can be rebuilt from nothing.

    One transaction per tenant and aggregate. Answers how many events. Raises KeyError for an unknown aggregate.
    """
    told = 0
    chosen = snapshots if aggregate is None else {aggregate: snapshots[aggregate]}
    for tenant_id in tenants:
        for tell in chosen.values():
            async with database.write(Binding(tenant_id, Scope.SYSTEM)) as tx, aclosing(tell(tx)) as events:
                async for event in events:
                    tx.emit(event)
                    told += 1
    return told
