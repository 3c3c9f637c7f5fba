"""Events as they pass, for whoever listens right now: what subscriptions tell from.

Not a consumer: nothing is stored, confirmed or delivered again. Who listens is told what passes from then on, and an
event that the relay publishes twice is told twice.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal, TypeVar, cast
from uuid import UUID

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from pydantic import ValidationError

from libs.crypto import KeyRing, Undecipherable
from libs.events.broker import UNAVAILABLE, connect
from libs.events.contracts import Event
from libs.events.envelope import EventMeta, stream_subject, unpack
from libs.events.sealing import unseal_event
from libs.settings import Settings
from libs.telemetry import get_logger

E = TypeVar("E", bound=Event)
Told = tuple[E, EventMeta]

MOST_WAITING: Final = 256
"""Events that wait for one listener; one more, and it is dropped."""
_log = get_logger(__name__)


class FeedEnded(Exception):
    """Nothing more will be told: the broker is away (UNAVAILABLE), or the listener did not keep up (SLOW_CLIENT)."""

    def __init__(self, code: Literal["UNAVAILABLE", "SLOW_CLIENT"]) -> None:
        super().__init__(code)
        self.code = code


class _Listener:
    """What waits for one listener, and why it ends."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Told[Event] | None] = asyncio.Queue(MOST_WAITING)
        self._fault: FeedEnded | None = None

    def tell(self, told: Told[Event]) -> None:
        if self._fault is not None:
            return
        try:
            self._waiting.put_nowait(told)
        except asyncio.QueueFull:
            self.end(FeedEnded("SLOW_CLIENT"))

    def end(self, fault: FeedEnded) -> None:
        self._fault = fault
        while not self._waiting.empty():  # what waited is not kept for somebody who is to begin anew
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    async def __aiter__(self) -> AsyncGenerator[Told[Event]]:
        while (told := await self._waiting.get()) is not None:
            yield told
        assert self._fault is not None
        raise self._fault


@dataclass
class _Channel:
    """One subject and everybody who listens to it."""

    subscription: Subscription
    listeners: set[_Listener] = field(default_factory=set)


class Feed:
    """The events of one process's subscribers: one subscription at the broker for each contract and school."""

    def __init__(self, settings: Settings, name: str, key_ring: KeyRing) -> None:
        self._settings = settings
        self._name = name
        self._key_ring = key_ring
        self._client: Client | None = None
        self._channels: dict[str, _Channel] = {}
        self._changing = asyncio.Lock()

    async def run(self, stop: asyncio.Event) -> None:
        """Keeps the connection until `stop` is set; while there is none, whoever listens is told so."""
        connecting = asyncio.create_task(connect(self._settings, f"{self._name}-feed", on_loss=self._end_all))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((connecting, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not connecting.done():
            connecting.cancel()
            with suppress(asyncio.CancelledError):
                await connecting
            return
        self._client = await connecting
        await stopping
        await self._end_all()
        await self._client.close()

    @asynccontextmanager
    async def listen(self, contract: type[E], tenant_id: UUID) -> AsyncIterator[AsyncIterator[Told[E]]]:
        """The events of a contract in a school from now on. Raises FeedEnded, also while they are read."""
        subject, listener = stream_subject(contract, tenant_id), _Listener()
        try:
            channel = await self._join(subject, contract, tenant_id, listener)
        except UNAVAILABLE as failure:
            raise FeedEnded("UNAVAILABLE") from failure
        try:
            yield aiter(cast("AsyncIterator[Told[E]]", listener))
        finally:
            await self._leave(subject, channel, listener)

    async def _join(self, subject: str, contract: type[Event], tenant_id: UUID, listener: _Listener) -> _Channel:
        async with self._changing:
            if self._client is None or not self._client.is_connected:
                raise FeedEnded("UNAVAILABLE")
            channel = self._channels.get(subject)
            if channel is None:
                receive = partial(self._receive, subject, contract, tenant_id)
                channel = self._channels[subject] = _Channel(await self._client.subscribe(subject, cb=receive))
                await self._client.flush(timeout=2)  # the broker has it: what is published from now on arrives
            channel.listeners.add(listener)
            return channel

    async def _leave(self, subject: str, channel: _Channel, listener: _Listener) -> None:
        async with self._changing:
            channel.listeners.discard(listener)
            if not channel.listeners and self._channels.get(subject) is channel:
                del self._channels[subject]
                with suppress(*UNAVAILABLE):
                    await channel.subscription.unsubscribe()

    async def _receive(self, subject: str, contract: type[Event], tenant_id: UUID, message: Msg) -> None:
        channel = self._channels.get(subject)
        if channel is None:
            return
        try:
            envelope = unpack(message.data)
            # A subject is what a publisher says; the envelope is what the outbox wrote in a transaction of the tenant.
            if envelope.meta.tenant_id != tenant_id:
                _log.error("event_of_another_tenant", subject=subject, event_id=str(envelope.meta.id))
                return
            event = unseal_event(self._key_ring, tenant_id, contract, envelope.data)
        except (ValueError, KeyError, ValidationError, Undecipherable) as fault:
            _log.error("event_unreadable", subject=subject, error=type(fault).__name__)
            return
        for listener in channel.listeners:
            listener.tell((event, envelope.meta))

    async def _end_all(self) -> None:
        """Whoever listens has missed something: what passes while the connection is gone comes to nobody later."""
        for channel in self._channels.values():
            for listener in channel.listeners:
                listener.end(FeedEnded("UNAVAILABLE"))
