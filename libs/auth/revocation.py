"""Revocation: a token ends before its time when its account changes or its session is closed.

identity publishes to a sorted set in Valkey, scored by Valkey's own clock; every process reads it every two seconds
and decides from memory, so that a request costs no round trip.
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from libs.auth.actor import Actor
from libs.auth.errors import Unauthenticated, Unavailable
from libs.kernel import Clock, utc_now
from libs.settings import Settings

_log = structlog.get_logger(__name__)

_KEY: Final = "wiyata:revocations"
_POLL_SECONDS: Final = 2.0
_TIMEOUT_SECONDS: Final = 1.0
_BLIND_FOR: Final = timedelta(seconds=10)  # mutations are refused after so long without an answer of Valkey
_MARGIN_SECONDS: Final = 60  # a token may still be signed with the old version while the change commits
_OVERLAP: Final = 5_000_000  # microseconds read again at each poll, against small steps back of Valkey's clock

# Adds members scored by Valkey's time in microseconds and drops those that no living token can carry any more.
_PUBLISH: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for i = 2, #ARGV do
  redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[i])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - ARGV[1] * 1000000))
"""


class Revocations:
    """Minimum versions of accounts and ended sessions, held in memory and fed from Valkey.

    An empty or flushed Valkey takes nothing out of memory and lets nobody in; entries leave memory when every token
    they could concern has expired.
    """

    def __init__(self, settings: Settings, *, clock: Clock = utc_now) -> None:
        self._client = Redis.from_url(
            settings.valkey_url,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 1),  # one more try: a pooled connection may have died with a restart of Valkey
        )
        self._keep_seconds = settings.access_token_seconds + _MARGIN_SECONDS
        self._clock = clock
        self._versions: dict[UUID, tuple[int, datetime]] = {}  # least version that counts, until when to remember it
        self._sessions: dict[UUID, datetime] = {}  # until when to remember
        self._read_at: datetime | None = None
        self._readable = True
        self._valkey_time = 0

    async def publish(self, user_id: UUID, version: int) -> None:
        """Says, after the commit that raised it, that tokens of the account below `version` are void."""
        await self.publish_many({user_id: version})

    async def publish_session(self, session_id: UUID) -> None:
        """Says, after the commit that ended it, that the session's tokens are void."""
        await self.publish_many({}, [session_id])

    async def publish_many(self, versions: Mapping[UUID, int], sessions: Iterable[UUID] = ()) -> None:
        """The same for many at once; saying it again changes nothing.

        In force in this process at once, in the others within seconds. Raises Unavailable when Valkey did not take it:
        what is in PostgreSQL has to be published again.
        """
        members = [f"u:{user}:{version}" for user, version in versions.items()]
        members += [f"s:{session}" for session in sessions]
        if not members:
            return
        self._remember(members)
        try:
            await self._client.eval(_PUBLISH, 1, _KEY, self._keep_seconds, *members)
        except (RedisError, OSError) as error:
            raise Unavailable("Valkey did not take a revocation") from error

    def check(self, actor: Actor, *, mutation: bool, now: datetime) -> None:
        """Whether the actor's token still counts.

        Raises Unauthenticated when its version or session has ended, and for a mutation Unavailable when Valkey has
        not answered for ten seconds; reads go on with what is known.
        """
        version = self._versions.get(actor.user_id)
        if version is not None and actor.version < version[0]:
            raise Unauthenticated("the account has changed since the token was issued")
        if actor.session_id in self._sessions:
            raise Unauthenticated("the session has ended")
        if mutation and (self._read_at is None or now - self._read_at >= _BLIND_FOR):
            raise Unavailable("revocations cannot be read")

    async def poll(self) -> bool:
        """Reads what is new in Valkey; False when it could not be read. A process does it once before it serves."""
        asked_at = self._clock()
        try:
            members, time = await self._read_since(self._valkey_time - _OVERLAP)
            if time < self._valkey_time:  # its clock went back, or it is another server: what is new may look old
                members, time = await self._read_since(0)
        except (RedisError, OSError) as error:
            if self._readable:
                _log.warning("revocations_unreadable", error=type(error).__name__)
            self._readable = False
            self._valkey_time = 0  # it may come back with another clock: read all of it then
            return False
        self._remember(members)
        self._forget(asked_at)
        self._readable = True
        self._valkey_time = time
        self._read_at = asked_at
        return True

    async def run(self, stop: asyncio.Event) -> None:
        """Polls every two seconds until `stop` is set."""
        while not stop.is_set():
            await self.poll()
            try:
                await asyncio.wait_for(stop.wait(), _POLL_SECONDS)
            except TimeoutError:
                continue

    async def close(self) -> None:
        """Closes the connections to Valkey."""
        await self._client.aclose()

    async def _read_since(self, time: int) -> tuple[list[str], int]:
        """Members published since, and Valkey's time before they were read, in microseconds."""
        async with self._client.pipeline(transaction=True) as pipeline:
            pipeline.time()
            pipeline.zrange(_KEY, str(time), "+inf", byscore=True)
            (seconds, microseconds), members = await pipeline.execute()
        return [member.decode() for member in members], seconds * 1_000_000 + microseconds

    def _remember(self, members: Iterable[str]) -> None:
        until = self._clock() + timedelta(seconds=self._keep_seconds)
        for member in members:
            kind, _, rest = member.partition(":")
            if kind == "s":
                self._sessions[UUID(rest)] = until
                continue
            user, _, number = rest.partition(":")
            known, version = self._versions.get(UUID(user)), int(number)
            if known is None or version >= known[0]:
                self._versions[UUID(user)] = (version, until)

    def _forget(self, now: datetime) -> None:
        self._versions = {user: known for user, known in self._versions.items() if known[1] > now}
        self._sessions = {session: until for session, until in self._sessions.items() if until > now}
