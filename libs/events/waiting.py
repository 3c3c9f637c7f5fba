"""Events that wait behind an earlier one of their aggregate, which failed and will be tried again."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from uuid import UUID

from nats.aio.msg import Msg

from libs.events.envelope import Envelope

Received = tuple[Msg, Envelope]

_LONGEST_SECONDS = 20.0
_SIGN_OF_LIFE_SECONDS = 4.0


@dataclass(slots=True)
class _Queue:
    first: UUID
    until: float
    behind: list[Received] = field(default_factory=list)


class WaitingQueues:
    """One queue per aggregate that has a failing event; the server is told that who waits is being worked on."""

    def __init__(self) -> None:
        self._queues: dict[UUID, _Queue] = {}
        self._released: deque[Received] = deque()
        self._told_at = 0.0

    def hold(self, envelope: Envelope, seconds: float) -> None:
        """From now on events of this aggregate wait until this one, back in `seconds`, is settled."""
        queue = self._queues.setdefault(envelope.subject_id, _Queue(envelope.meta.id, 0.0))
        # Not for ever: another worker of this subgraph may get the next delivery.
        queue.first, queue.until = envelope.meta.id, time.monotonic() + seconds + _LONGEST_SECONDS

    def join(self, received: Received) -> bool:
        """Lets an event wait if an earlier one of its aggregate is failing."""
        queue = self._queues.get(received[1].subject_id)
        if queue is None or queue.first == received[1].meta.id:
            return False
        queue.behind.append(received)
        return True

    def release(self, envelope: Envelope) -> None:
        """This event is settled: who waited behind it comes next."""
        queue = self._queues.get(envelope.subject_id)
        if queue is not None and queue.first == envelope.meta.id:
            del self._queues[envelope.subject_id]
            self._released.extend(queue.behind)

    def released(self) -> list[Received]:
        """Who need not wait any more, in order."""
        now = time.monotonic()
        for aggregate in [each for each, queue in self._queues.items() if queue.until < now]:
            self._released.extend(self._queues.pop(aggregate).behind)
        ready = list(self._released)
        self._released.clear()
        return ready

    async def keep_alive(self) -> None:
        """Keeps the server from delivering again what waits here."""
        if self._queues and time.monotonic() - self._told_at > _SIGN_OF_LIFE_SECONDS:
            self._told_at = time.monotonic()
            await asyncio.gather(*(message.in_progress() for message, _ in self.everyone()))

    def everyone(self) -> list[Received]:
        """All who wait."""
        return [each for queue in self._queues.values() for each in queue.behind] + list(self._released)

    def clear(self) -> None:
        """Forgets all of them."""
        self._queues.clear()
        self._released.clear()
