"""NATS: the connection of a process, the stream all events go through, and a pull of one durable consumer."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import nats
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DiscardPolicy, Header, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from libs.settings import Settings
from libs.telemetry import get_logger

STREAM = "EVENTS"
STREAM_DAYS = 30
DUPLICATE_WINDOW_SECONDS = 120.0
UNAVAILABLE = (NatsError, OSError, TimeoutError)
"""What a call to an absent, full or restarting broker raises."""

_PULL_SECONDS = 2.0
_NANOSECONDS = 1_000_000_000
_NO_RESPONDERS, _CONFLICT = "503", "409"
_log = get_logger(__name__)


@asynccontextmanager
async def broker(settings: Settings, name: str) -> AsyncIterator[JetStreamContext]:
    """JetStream over a connection that outlives restarts of the broker; waits for as long as there is none."""
    client = await connect(settings, name)
    try:
        yield client.jetstream(timeout=5)
    finally:
        await client.close()


async def connect(settings: Settings, name: str, *, on_loss: Callable[[], Awaitable[None]] | None = None) -> Client:
    """A connection, waited for as long as there is no broker; `on_loss` is called whenever it is lost."""

    async def on_error(error: Exception) -> None:
        _log.warning("broker_unreachable", error=type(error).__name__)

    while True:
        try:
            return await nats.connect(
                settings.nats_url,
                name=f"wiyata-{name}",
                error_cb=on_error,
                disconnected_cb=on_loss,
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.2,
                connect_timeout=2,
                allow_reconnect=True,
            )
        except UNAVAILABLE as error:
            await on_error(error)
            await asyncio.sleep(0.5)


async def pause(stop: asyncio.Event, seconds: float) -> bool:
    """Waits, but not beyond `stop`; tells whether that was set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()


async def ensure_stream(js: JetStreamContext, settings: Settings) -> None:
    """Makes the stream, or brings an existing one to what is said here; what is not said here stays as it is."""
    wanted: dict[str, Any] = {
        "subjects": ["events.>"],
        "max_bytes": settings.events_max_bytes,
        "max_age": STREAM_DAYS * 86_400.0,
        # A full stream refuses instead of forgetting: the outbox holds what it refused.
        "discard": DiscardPolicy.NEW,
        "duplicate_window": DUPLICATE_WINDOW_SECONDS,
    }
    try:
        present = (await js.stream_info(STREAM)).config
    except NotFoundError:
        made = StreamConfig(name=STREAM, retention=RetentionPolicy.LIMITS, storage=StorageType.FILE)
        await js.add_stream(made.evolve(**wanted))
        return
    if any(getattr(present, name) != value for name, value in wanted.items()):
        await js.update_stream(present.evolve(**wanted))


async def ensure_consumer(js: JetStreamContext, durable: str, subjects: list[str]) -> None:
    """Makes the durable consumer, or updates one whose configuration differs (nats-py would go on with the old one).

    Events that matched no filter when they passed do not come by themselves after the filter grew: replay them.
    """
    wanted: dict[str, Any] = {
        "filter_subjects": sorted(subjects),
        "ack_wait": 10.0,
        # Counted here and not by the server, which would drop the message where we write a dead letter.
        "max_deliver": -1,
        "max_ack_pending": 1_000,
    }
    try:
        present = (await js.consumer_info(STREAM, durable)).config
    except NotFoundError:
        await js.add_consumer(STREAM, ConsumerConfig(name=durable, durable_name=durable, **wanted))
        return
    # the server answers a single filter in the field for one
    current = {**present.as_dict(), "filter_subjects": present.filter_subjects or [present.filter_subject]}
    current["ack_wait"] = present.ack_wait
    if any(current.get(name) != value for name, value in wanted.items()):
        await js.add_consumer(STREAM, present.evolve(filter_subject=None, **wanted))


class ConsumerLost(Exception):
    """The durable consumer or its stream is not there (any more)."""


class Pull:
    """Messages of one consumer, prefetched: one pull request is kept open at the server.

    nats-py's own fetch(n) waits out its timeout after the first message unless all n arrive; this does not.
    """

    def __init__(self, js: JetStreamContext, durable: str, *, batch: int) -> None:
        self._client: Client = js._nc  # noqa: SLF001 - the context offers no public way to its connection
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{durable}"
        self._batch = batch
        self._inbox = self._client.new_inbox()
        self._waiting: deque[Msg] = deque()
        self._arrived = asyncio.Event()
        self._open = 0
        self._open_until = 0.0
        self._lost: str | None = None

    async def __aenter__(self) -> Self:
        self._subscription = await self._client.subscribe(self._inbox, cb=self._receive)
        return self

    async def __aexit__(self, *_: object) -> None:
        if not self._client.is_closed:
            await self._subscription.unsubscribe()

    async def _receive(self, message: Msg) -> None:
        status = (message.headers or {}).get(Header.STATUS)
        if status is None:
            self._open -= 1
            self._waiting.append(message)
        else:
            self._open = 0
            description = (message.headers or {}).get(Header.DESCRIPTION, "")
            if status == _NO_RESPONDERS or (status == _CONFLICT and "Deleted" in description):
                self._lost = f"{status} {description}"
        self._arrived.set()

    async def next_batch(self, seconds: float) -> list[Msg]:
        """What is there, at most a batch; waits at most `seconds` for the first message, then answers nothing.

        Raises ConsumerLost, or one of UNAVAILABLE.
        """
        deadline = time.monotonic() + seconds
        while not self._waiting:
            if self._lost is not None:
                raise ConsumerLost(self._lost)
            await self._request()
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), deadline - time.monotonic())
            except TimeoutError:
                return []
        return [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]

    def unread(self) -> list[Msg]:
        """What was prefetched and not handed out."""
        return list(self._waiting)

    async def _request(self) -> None:
        now = time.monotonic()
        # A request that is a second over its time was lost with a connection.
        if self._open > 0 and now < self._open_until + 1:
            return
        self._open, self._open_until = self._batch, now + _PULL_SECONDS
        request = {"batch": self._batch, "expires": int(_PULL_SECONDS * _NANOSECONDS)}
        await self._client.publish(self._subject, orjson.dumps(request), reply=self._inbox)
