"""Which jobs have changed, for whoever follows one right now: the database tells it with the commit that did it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import psycopg

from libs.events import FeedEnded
from libs.events.broker import pause
from libs.settings import Settings
from libs.telemetry import get_logger

_LOOK_SECONDS: Final = 0.5  # until `stop` is noticed; the database is asked nothing meanwhile
_AGAIN_SECONDS: Final = 1.0
_log = get_logger(__name__)


def progress_channel(schema: str) -> str:
    """The channel on which a schema tells which of its jobs has changed."""
    return f"{schema}_job_progress"


class _Follower:
    """Somebody who follows a job. However often it has changed, it is to be looked at once."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.is_over = False

    async def __aiter__(self) -> AsyncGenerator[None]:
        while True:
            await self.changed.wait()
            self.changed.clear()
            if self.is_over:
                raise FeedEnded("UNAVAILABLE")
            yield


class JobProgressFeed:
    """The jobs of one schema as they change: one connection for everybody who follows any of them in this process."""

    def __init__(self, settings: Settings, schema: str) -> None:
        self._settings = settings
        self._schema = schema
        self._followers: dict[str, set[_Follower]] = {}
        self._is_listening = False

    async def run(self, stop: asyncio.Event) -> None:
        """Listens until `stop` is set; when the connection is lost, whoever follows a job is told so."""
        while not stop.is_set():
            try:
                await self._listen(stop)
            except (psycopg.Error, OSError) as failure:
                _log.warning("job_progress_interrupted", subgraph=self._schema, error=failure)
            finally:
                self._end_all()
            await pause(stop, _AGAIN_SECONDS)

    @asynccontextmanager
    async def follow(self, tenant_id: UUID, job_id: UUID) -> AsyncIterator[AsyncIterator[None]]:
        """An item when a job of a school has changed from now on. Raises FeedEnded, also while they are read."""
        if not self._is_listening:
            raise FeedEnded("UNAVAILABLE")
        key, follower = f"{tenant_id}/{job_id}", _Follower()
        self._followers.setdefault(key, set()).add(follower)
        try:
            yield aiter(follower)
        finally:
            followers = self._followers.get(key, set())
            followers.discard(follower)
            if not followers:
                self._followers.pop(key, None)

    async def _listen(self, stop: asyncio.Event) -> None:
        async with await psycopg.AsyncConnection.connect(
            self._settings.database_for(f"{self._schema}_app"),
            autocommit=True,
            connect_timeout=5,
            application_name=f"wiyata-{self._schema}-job-progress",
            keepalives_idle=10,  # a connection that died without a word would hide the end of a job
            keepalives_interval=5,
            keepalives_count=2,
        ) as connection:
            await connection.execute(f"listen {progress_channel(self._schema)}")
            self._is_listening = True
            while not stop.is_set():
                async for told in connection.notifies(timeout=_LOOK_SECONDS):
                    for follower in self._followers.get(told.payload, ()):
                        follower.changed.set()

    def _end_all(self) -> None:
        """Whoever follows a job may have missed its end."""
        self._is_listening = False
        for followers in self._followers.values():
            for follower in followers:
                follower.is_over = True
                follower.changed.set()
