"""The consumer of a subgraph: messages of one durable, applied in batches, confirmed after COMMIT."""

import asyncio
from collections import deque
from collections.abc import Sequence

from nats.aio.msg import Msg
from nats.js import JetStreamContext
from sqlalchemy.exc import SQLAlchemyError

from libs.db import Database
from libs.events.broker import UNAVAILABLE, ConsumerLost, Pull, ensure_consumer, ensure_stream, pause
from libs.events.dead_letters import DeadLetters
from libs.events.envelope import Envelope, unpack
from libs.events.inbox import DatabaseOutage, Held, Inbox
from libs.events.waiting import Received, WaitingQueues
from libs.kernel import Binding, Scope
from libs.settings import Settings
from libs.telemetry import get_logger

BATCH = 64
DELIVERIES = 5
BACKOFF_SECONDS = (1.0, 2.0, 5.0, 15.0)
"""Waits after the first, second, third and fourth failure; after the fifth the event goes to dead letters."""

_ACK_SECONDS = 2.0
_OUTAGE_SECONDS = 1.0
_log = get_logger(__name__)


class Consumer:
    """Consumes for one subgraph until told to stop.

    While an event of an aggregate waits for its next try, later ones of that aggregate wait behind it, here. A killed
    process forgets whom it let wait; then the sequences in projections decide.
    """

    def __init__(
        self,
        settings: Settings,
        js: JetStreamContext,
        database: Database,
        inbox: Inbox,
        *,
        backoff_seconds: Sequence[float] = BACKOFF_SECONDS,
    ) -> None:
        self._settings = settings
        self._js = js
        self._database = database
        self._inbox = inbox
        self._subgraph = database.schema
        self._dead_letters = DeadLetters(database.schema)
        self._backoff = backoff_seconds
        self._ready: deque[Received] = deque()
        self._queues = WaitingQueues()

    async def run(self, stop: asyncio.Event) -> None:
        """Consumes until `stop` is set; waits out an absent database or broker."""
        while self._inbox.subjects and not stop.is_set():
            try:
                await ensure_stream(self._js, self._settings)
                await ensure_consumer(self._js, self._subgraph, self._inbox.subjects)
                async with Pull(self._js, self._subgraph, batch=BATCH) as pull:
                    await self._consume(pull, stop)
            except (ConsumerLost, DatabaseOutage, SQLAlchemyError, *UNAVAILABLE) as error:
                _log.warning("consumer_interrupted", subgraph=self._subgraph, error=error)
                # Not confirmed, hence delivered again: by the server, after its own wait.
                self._ready.clear()
                self._queues.clear()
                await pause(stop, 0.5)

    async def _consume(self, pull: Pull, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._ready.extend(self._queues.released())
            self._ready.extend(await self._read(await pull.next_batch(0.0 if self._ready else 0.5)))
            await self._settle([self._ready.popleft() for _ in range(min(BATCH, len(self._ready)))])
            await self._queues.keep_alive()
        unsettled = [*(message for message, _ in (*self._ready, *self._queues.everyone())), *pull.unread()]
        await asyncio.gather(*(message.nak() for message in unsettled))  # the next process need not wait for them

    async def _read(self, messages: list[Msg]) -> list[Received]:
        received: list[Received] = []
        for message in messages:
            try:
                received.append((message, unpack(message.data)))
            except (ValueError, KeyError, TypeError) as error:
                _log.error("not_an_envelope", subgraph=self._subgraph, subject=message.subject, error=error)
                await message.term()
        return received

    async def _settle(self, received: list[Received]) -> None:
        due = [each for each in received if not self._queues.join(each)]
        try:
            errors = await self._inbox.apply([envelope for _, envelope in due])
        except DatabaseOutage:
            await asyncio.gather(*(message.nak(_OUTAGE_SECONDS) for message, _ in due))
            raise
        done: list[Msg] = []
        for message, envelope in due:
            failure = errors.get(envelope.meta.id)
            if isinstance(failure, Held):
                self._queues.join((message, envelope))
            elif failure is None or await self._give_up(message, envelope, failure):
                self._queues.release(envelope)
                done.append(message)
        # The server confirms each acknowledgement: one that got lost would only bring the message again.
        await asyncio.gather(*(message.ack_sync(_ACK_SECONDS) for message in done))

    async def _give_up(self, message: Msg, envelope: Envelope, error: Exception) -> bool:
        """Sends a failed event back and answers False; after the last delivery buries it and answers True."""
        deliveries = message.metadata.num_delivered
        _log.warning(
            "event_failed",
            subgraph=self._subgraph,
            event_id=envelope.meta.id,
            event_type=envelope.type,
            attempt=deliveries,
            error=error,
        )
        if deliveries < DELIVERIES:
            seconds = self._backoff[deliveries - 1]
            self._queues.hold(envelope, seconds)
            await message.nak(seconds)
            return False
        async with self._database.write(Binding(envelope.meta.tenant_id, Scope.SYSTEM)) as tx:
            await self._dead_letters.bury(tx, envelope, error=error, deliveries=deliveries)
        return True
