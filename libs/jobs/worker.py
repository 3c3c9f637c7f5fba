"""The worker of a subgraph: relay, consumer, jobs and schedules, each killed at any point without loss or double."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import psycopg
from nats.js import JetStreamContext
from sqlalchemy.exc import SQLAlchemyError

from libs.crypto import KeyRing
from libs.db import Database
from libs.events import Consumer, Consumers, Inbox, Relay, Snapshots, broker
from libs.events.broker import pause
from libs.events.housekeeping import purge_queues
from libs.jobs.gauges import Gauges
from libs.jobs.queue import JobQueue, jobs_channel
from libs.jobs.runner import JobOperations, JobRunner
from libs.jobs.schedules import Scheduler, Schedules
from libs.settings import Settings
from libs.telemetry import Metrics, get_logger

Part = Callable[[asyncio.Event], Awaitable[None]]

_POLL_SECONDS = 1.0
_GRACE_SECONDS = 10.0
_PURGE_SECONDS = 3_600.0
_log = get_logger(__name__)


class SubgraphWorker:
    """Everything of one subgraph that runs beside its graph.

    `snapshots` tell the state of its aggregates again, for an operator. `also` are further loops of the subgraph; each
    takes the stop event and returns soon after it is set.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        key_ring: KeyRing,
        *,
        consumers: Consumers,
        queue: JobQueue | None = None,
        jobs: JobOperations | None = None,
        schedules: Schedules | None = None,
        snapshots: Snapshots | None = None,
        also: Sequence[Part] = (),
    ) -> None:
        self._settings = settings
        self.database = database
        self.inbox = Inbox(database, consumers, key_ring)
        self.snapshots = snapshots or {}
        self._runner = JobRunner(database, queue, jobs) if queue and jobs else None
        self._scheduler = Scheduler(database, schedules or {})
        self._also = also

    async def run(self, stop: asyncio.Event, metrics: Metrics | None = None) -> None:
        """Works until `stop` is set, then ends within ten seconds. What fails unexpectedly in a part comes out.

        The lags and queues of this subgraph are shown in `metrics`, which the workers of a process share.
        """
        metrics = metrics or Metrics(self.database.schema)
        work = asyncio.create_task(self._work(stop, metrics))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        _, unfinished = await asyncio.wait({work}, timeout=_GRACE_SECONDS)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(work, stopping, return_exceptions=True)
        await self.database.close()
        if not work.cancelled() and (error := work.exception()) is not None:
            raise error

    async def _work(self, stop: asyncio.Event, metrics: Metrics) -> None:
        has_jobs = self._runner is not None
        gauges = Gauges(self._settings, self.database, self.inbox, metrics, has_jobs=has_jobs)
        async with asyncio.TaskGroup() as beside:
            beside.create_task(gauges.run(stop))
            async with broker(self._settings, self.database.schema) as gauges.js:
                await self._work_with(gauges.js, stop)

    async def _work_with(self, js: JetStreamContext, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as parts:
            parts.create_task(Relay(self._settings, self.database.schema, js).run(stop))
            parts.create_task(Consumer(self._settings, js, self.database, self.inbox).run(stop))
            if self._runner is not None:
                parts.create_task(self._run_jobs(self._runner, stop))
            parts.create_task(self._run_schedules(stop))
            parts.create_task(self._purge(stop))
            for part in self._also:
                parts.create_task(_awaited(part(stop)))

    async def _run_jobs(self, runner: JobRunner, stop: asyncio.Event) -> None:
        schema = self.database.schema
        while not stop.is_set():
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._settings.database_for(f"{schema}_app"),
                    autocommit=True,
                    connect_timeout=5,
                    application_name=f"wiyata-{schema}-jobs",
                ) as connection:
                    await connection.execute(f"listen {jobs_channel(schema)}")
                    while not stop.is_set():
                        if not await runner.run_next(stop):
                            async for _ in connection.notifies(timeout=_POLL_SECONDS, stop_after=1):
                                break
            except (psycopg.Error, SQLAlchemyError, OSError) as error:
                _log.warning("jobs_interrupted", subgraph=schema, error=error)
                await pause(stop, _POLL_SECONDS)

    async def _purge(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await purge_queues(self.database)
            except (SQLAlchemyError, OSError) as error:
                _log.warning("purge_interrupted", subgraph=self.database.schema, error=error)
            await pause(stop, _PURGE_SECONDS)

    async def _run_schedules(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                if await self._scheduler.run_next():
                    continue
            except (SQLAlchemyError, OSError) as error:
                _log.warning("schedules_interrupted", subgraph=self.database.schema, error=error)
            await pause(stop, _POLL_SECONDS)


async def _awaited(part: Awaitable[None]) -> None:
    await part
