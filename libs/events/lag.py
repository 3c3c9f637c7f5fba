"""How far a subgraph is behind: what its outbox still holds, what its consumer has not acknowledged."""

from dataclasses import dataclass
from typing import Any

import psycopg
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from libs.events.broker import STREAM

MOST_COUNTED = 100_000
"""Beyond that a backlog is a backlog: counting it exactly would cost what it lacks."""


@dataclass(frozen=True, slots=True)
class OutboxLag:
    """Events that are not published yet (at most MOST_COUNTED), and the age of the oldest of them, seconds."""

    pending: int
    seconds: float


async def outbox_lag(connection: psycopg.AsyncConnection[Any], subgraph: str) -> OutboxLag:
    """Asks as `<subgraph>_relay`, the only role that reads the outbox. Raises psycopg.Error."""
    waiting = f"from {subgraph}.outbox where published_at is null"
    # Two looks at the index of unpublished rows. Clocks of processes and database may differ: never negative.
    cursor = await connection.execute(
        f"select (select count(*) from (select {waiting} limit {MOST_COUNTED}) as counted),"  # noqa: S608 - our names
        " greatest(0, coalesce(extract(epoch from clock_timestamp() -"
        f" (select time {waiting} order by sequence limit 1)), 0))::float8"
    )
    row = await cursor.fetchone()
    assert row is not None  # a select without a table has one row
    return OutboxLag(*row)


async def consumer_lag(js: JetStreamContext, durable: str) -> int | None:
    """Events of a durable consumer that wait or are in flight; None before it exists. Raises one of UNAVAILABLE."""
    try:
        info = await js.consumer_info(STREAM, durable)
    except NotFoundError:
        return None
    return (info.num_pending or 0) + (info.num_ack_pending or 0)
