"""Whoever follows a job is told with each commit that changes it, and never left waiting for what it has missed."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import psycopg
import pytest

from libs.db import Database
from libs.events import FeedEnded
from libs.jobs import JobProgressFeed, JobQueue, JobRunner
from libs.kernel import new_id
from libs.settings import Settings
from tests.libs.jobs.test_runner import OTHER, SYSTEM, TENANT, enqueue, import_names

SECONDS = 20  # until what must come is given up


@pytest.fixture
async def feed(settings: Settings) -> AsyncIterator[JobProgressFeed]:
    made, stop = JobProgressFeed(settings, "academic"), asyncio.Event()
    running = asyncio.create_task(made.run(stop))
    await until_listening(made)
    yield made
    stop.set()
    await running


async def until_listening(feed: JobProgressFeed) -> None:
    """Returns when a job can be followed."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                async with feed.follow(TENANT, new_id()):
                    return
            except FeedEnded:
                await asyncio.sleep(0.05)


async def is_told(changes: AsyncIterator[None], seconds: float = 0.3) -> bool:
    """Whether something is told within this time; it is not waited for any longer."""
    waiting = asyncio.ensure_future(anext(changes))
    done, _ = await asyncio.wait({waiting}, timeout=seconds)
    if done:
        waiting.result()
        return True
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return False


async def end_connection(settings: Settings) -> None:
    """As a restart of the database does."""
    async with await psycopg.AsyncConnection.connect(
        settings.database_admin_url.get_secret_value(), dbname=settings.database_url.rpartition("/")[2], autocommit=True
    ) as admin:
        await admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'wiyata-academic-job-progress'"
            " and datname = current_database()"
        )


async def test_each_step_of_a_job_is_told_to_those_who_follow_it(
    feed: JobProgressFeed, academic: Database, queue: JobQueue
) -> None:
    job_id = await enqueue(academic, queue, name="Siti")
    ends: dict[str, int] = {}

    async def count(name: str, tenant_id: UUID, of: UUID) -> None:
        async with feed.follow(tenant_id, of) as changes:
            async for _ in changes:
                ends[name] = ends.get(name, 0) + 1

    tasks = [
        asyncio.create_task(count(*who))
        for who in (("one", TENANT, job_id), ("two", TENANT, job_id), ("else", OTHER, job_id), ("no", TENANT, new_id()))
    ]
    await asyncio.sleep(0.1)
    assert await JobRunner(academic, queue, {"IMPORT": import_names}).run_next(asyncio.Event())
    await asyncio.sleep(0.3)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert set(ends) == {"one", "two"}
    assert all(1 <= told <= 4 for told in ends.values())  # claimed, two steps, the end: several may be told as one


async def test_a_cancelled_job_is_told_and_one_that_was_not_changed_is_not(
    feed: JobProgressFeed, academic: Database, queue: JobQueue
) -> None:
    job_id = await enqueue(academic, queue, name="Siti")
    async with feed.follow(TENANT, job_id) as changes:
        async with academic.write(SYSTEM) as tx:
            await queue.cancel(tx, job_id)
            await tx.session.rollback()
        assert not await is_told(changes)
    async with feed.follow(TENANT, job_id) as changes:
        async with academic.write(SYSTEM) as tx:
            await queue.cancel(tx, job_id)
        assert await is_told(changes, SECONDS)
    async with feed.follow(TENANT, job_id) as changes:
        async with academic.write(SYSTEM) as tx:
            await queue.cancel(tx, job_id)
        assert not await is_told(changes)


async def test_a_lost_connection_ends_all_and_the_next_one_goes_on(
    feed: JobProgressFeed, settings: Settings, academic: Database, queue: JobQueue
) -> None:
    job_id = await enqueue(academic, queue, name="Siti")
    async with feed.follow(TENANT, job_id) as changes:
        await end_connection(settings)
        with pytest.raises(FeedEnded, match="UNAVAILABLE"):
            await is_told(changes, SECONDS)
    await until_listening(feed)
    async with feed.follow(TENANT, job_id) as changes:
        async with academic.write(SYSTEM) as tx:
            await queue.cancel(tx, job_id)
        assert await is_told(changes, SECONDS)
    assert not feed._followers
