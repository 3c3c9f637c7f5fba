"""Waiting for consumers to catch up: for tests and the seed, instead of a sleep."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import psycopg
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from libs.events.broker import STREAM, broker
from libs.settings import SUBGRAPHS, Settings

_LOOK_SECONDS = 0.03


class StillBehind(TimeoutError):
    """Consumers did not catch up in time; the message names what lags."""


async def wait_until_consumed(
    settings: Settings, *, timeout_seconds: float = 30.0, subgraphs: Sequence[str] = SUBGRAPHS
) -> None:
    """Returns when every event is published and nothing is pending or in flight anywhere, seen twice in a row.

    Raises StillBehind. A subgraph's outbox is read as its relay; all of `subgraphs` are expected to consume.
    """
    deadline = time.monotonic() + timeout_seconds
    quiet = 0
    async with AsyncExitStack() as stack:
        js = await stack.enter_async_context(broker(settings, "wait"))
        outboxes = {}
        for subgraph in subgraphs:
            url = settings.database_for(f"{subgraph}_relay")
            connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
            outboxes[subgraph] = await stack.enter_async_context(connection)
        while quiet < 2:  # noqa: PLR2004 - an event may be between an outbox and a consumer at the first look
            lags = await _lags(js, outboxes)
            quiet = 0 if lags else quiet + 1
            if lags and time.monotonic() > deadline:
                raise StillBehind(", ".join(lags))
            await asyncio.sleep(_LOOK_SECONDS)


async def _lags(js: JetStreamContext, outboxes: dict[str, psycopg.AsyncConnection[Any]]) -> list[str]:
    lags: list[str] = []
    for subgraph, connection in outboxes.items():
        cursor = await connection.execute(
            f"select count(*) from {subgraph}.outbox where published_at is null"  # noqa: S608 - our own names
        )
        if (row := await cursor.fetchone()) and row[0]:
            lags.append(f"{subgraph}: {row[0]} not published")
    try:
        consumers = await js.consumers_info(STREAM)
    except NotFoundError:
        return [*lags, f"no stream {STREAM}"]
    lags += [f"{name}: no consumer" for name in outboxes.keys() - {info.name for info in consumers}]
    for info in consumers:
        if info.num_pending:
            lags.append(f"{info.name}: {info.num_pending} pending")
        if info.num_ack_pending:
            lags.append(f"{info.name}: {info.num_ack_pending} in flight")
    return lags
