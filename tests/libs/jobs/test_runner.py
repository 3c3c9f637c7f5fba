"""Long work: one effect, whatever dies; progress that others see; cancelled when asked."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from libs.db import Database, TenantTransaction
from libs.jobs import Job, JobOperation, JobQueue, JobRunner, RunningJob
from libs.kernel import Binding, Conflict, FieldFault, InvalidInput, NotFound, Scope, new_id, utc_now
from libs.settings import Settings

TENANT, OTHER, SOMEBODY = new_id(), new_id(), new_id()
SYSTEM = Binding(TENANT, Scope.SYSTEM)


async def enqueue(academic: Database, queue: JobQueue, **payload: str) -> UUID:
    async with academic.write(SYSTEM) as tx:
        return await queue.enqueue(tx, "IMPORT", payload, created_by=SOMEBODY)


async def found(academic: Database, queue: JobQueue, job_id: UUID, tenant_id: UUID = TENANT) -> Job:
    async with academic.read(Binding(tenant_id, Scope.TENANT)) as tx:
        job = await queue.find(tx, job_id)
    assert job is not None
    return job


async def notes(academic: Database) -> list[str]:
    async with academic.read(SYSTEM) as tx:
        return [row.text for row in await tx.execute(text("select text from academic.notes order by text"))]


async def write_note(tx: TenantTransaction, content: str) -> None:
    await tx.execute(
        text("insert into academic.notes (id, text) values (:id, :text)"), {"id": new_id(), "text": content}
    )


async def import_names(tx: TenantTransaction, job: RunningJob) -> Sequence[FieldFault] | None:
    await write_note(tx, job.payload["name"])
    await job.progress(1, 2)
    await write_note(tx, str(job.created_by))
    await job.progress(2)
    return None


def runner(academic: Database, queue: JobQueue, operation: JobOperation) -> JobRunner:
    return JobRunner(academic, queue, {"IMPORT": operation})


async def test_a_job_runs_once_and_says_so(academic: Database, queue: JobQueue) -> None:
    job_id = await enqueue(academic, queue, name="Siti")
    assert (await found(academic, queue, job_id)).status == "QUEUED"
    worker = runner(academic, queue, import_names)
    assert await worker.run_next(asyncio.Event())
    assert not await worker.run_next(asyncio.Event())
    job = await found(academic, queue, job_id)
    assert (job.status, job.done, job.total, job.errors, job.created_by) == ("SUCCEEDED", 2, 2, (), SOMEBODY)
    assert await notes(academic) == sorted(["Siti", str(SOMEBODY)])


async def test_another_tenant_sees_no_job(academic: Database, queue: JobQueue) -> None:
    job_id = await enqueue(academic, queue, name="Siti")
    async with academic.write(Binding(OTHER, Scope.TENANT)) as tx:
        assert await queue.find(tx, job_id) is None
        assert (await tx.execute(text("select count(*) from academic.jobs"))).scalar_one() == 0
        with pytest.raises(NotFound):
            await queue.cancel(tx, job_id)
    assert (await found(academic, queue, job_id)).status == "QUEUED"


def stored_payload(settings: Settings, job_id: UUID) -> bytes | None:
    with psycopg.connect(
        settings.database_admin_url.get_secret_value(), dbname=settings.database_url.rpartition("/")[2]
    ) as admin:
        [(payload,)] = admin.execute("select payload from academic.jobs where id = %s", (job_id,)).fetchall()
    return payload  # type: ignore[no-any-return]


async def test_a_payload_is_sealed(settings: Settings, academic: Database, queue: JobQueue) -> None:
    payload = stored_payload(settings, await enqueue(academic, queue, name="Siti Canary"))
    assert payload
    assert b"Canary" not in payload


async def succeed(_: TenantTransaction, __: RunningJob) -> None:
    return None


async def break_a_rule(_: TenantTransaction, __: RunningJob) -> None:
    raise Conflict(current_version=3)


@pytest.mark.parametrize(("operation", "status"), [(succeed, "SUCCEEDED"), (break_a_rule, "FAILED")])
async def test_a_payload_goes_with_the_end_of_its_job(
    settings: Settings, academic: Database, queue: JobQueue, operation: JobOperation, status: str
) -> None:
    ended, waiting = await enqueue(academic, queue, name="Siti"), await enqueue(academic, queue, name="Budi")
    await runner(academic, queue, operation).run_next(asyncio.Event())
    assert (await found(academic, queue, ended)).status == status
    assert stored_payload(settings, ended) is None
    assert stored_payload(settings, waiting) is not None


async def test_a_payload_stays_while_the_job_is_to_be_tried_again(
    settings: Settings, academic: Database, queue: JobQueue
) -> None:
    async def operation(_: TenantTransaction, __: RunningJob) -> None:
        raise RuntimeError

    job_id = await enqueue(academic, queue, name="Siti")
    kept = stored_payload(settings, job_id)
    for minutes in range(2):
        async with later(settings, minutes=minutes) as database:
            await runner(database, queue, operation).run_next(asyncio.Event())
    assert (await found(academic, queue, job_id)).status == "QUEUED"
    assert stored_payload(settings, job_id) == kept
    async with later(settings, minutes=2) as database:
        await runner(database, queue, operation).run_next(asyncio.Event())
    assert (await found(academic, queue, job_id)).status == "FAILED"
    assert stored_payload(settings, job_id) is None


async def test_progress_is_seen_while_the_effect_is_not(academic: Database, queue: JobQueue) -> None:
    looked: list[tuple[str, int, int | None, list[str]]] = []

    async def operation(tx: TenantTransaction, job: RunningJob) -> None:
        await write_note(tx, "half")
        await job.progress(5, 10)
        seen = await found(academic, queue, job.id)
        looked.append((seen.status, seen.done, seen.total, await notes(academic)))

    await enqueue(academic, queue)
    await runner(academic, queue, operation).run_next(asyncio.Event())
    assert looked == [("RUNNING", 5, 10, [])]
    assert await notes(academic) == ["half"]


@pytest.mark.parametrize(
    ("error", "faults"),
    [
        (
            InvalidInput([FieldFault("input.file.3.nis", "TAKEN", {"id": "NIS sudah ada."})]),
            (FieldFault("input.file.3.nis", "TAKEN", {"id": "NIS sudah ada."}),),
        ),
        (
            Conflict(current_version=3),
            (
                FieldFault(
                    "input",
                    "CONFLICT",
                    {
                        "id": "Data telah diubah orang lain (versi 3).",
                        "en": "Somebody else changed this meanwhile (version 3).",
                    },
                ),
            ),
        ),
    ],
)
async def test_a_broken_rule_fails_the_job_with_its_faults(
    academic: Database, queue: JobQueue, error: Exception, faults: tuple[FieldFault, ...]
) -> None:
    async def operation(tx: TenantTransaction, _: RunningJob) -> None:
        await write_note(tx, "never")
        raise error

    job_id = await enqueue(academic, queue)
    await runner(academic, queue, operation).run_next(asyncio.Event())
    job = await found(academic, queue, job_id)
    assert (job.status, job.errors) == ("FAILED", faults)
    assert await notes(academic) == []


async def test_a_dry_run_reports_and_succeeds(academic: Database, queue: JobQueue) -> None:
    fault = FieldFault("input.file.3.nis", "TAKEN", {"id": "NIS sudah ada."})

    async def operation(_: TenantTransaction, __: RunningJob) -> Sequence[FieldFault]:
        return [fault]

    job_id = await enqueue(academic, queue)
    await runner(academic, queue, operation).run_next(asyncio.Event())
    job = await found(academic, queue, job_id)
    assert (job.status, job.errors) == ("SUCCEEDED", (fault,))


async def test_a_bug_is_tried_three_times_and_told_without_its_text(
    settings: Settings, academic: Database, queue: JobQueue
) -> None:
    tries: list[None] = []

    async def operation(_: TenantTransaction, __: RunningJob) -> None:
        tries.append(None)
        raise RuntimeError("Siti Canary")

    job_id = await enqueue(academic, queue)
    for minutes in range(4):
        async with later(settings, minutes=minutes) as database:
            await runner(database, queue, operation).run_next(asyncio.Event())
    job = await found(academic, queue, job_id)
    assert len(tries) == 3
    assert (job.status, [fault.code for fault in job.errors]) == ("FAILED", ["INTERNAL"])
    assert "Canary" not in str(job.errors)


@asynccontextmanager
async def later(settings: Settings, *, minutes: int) -> AsyncIterator[Database]:
    """The database as a worker sees it whose clock is ahead."""
    database = Database(settings, "academic", clock=lambda: utc_now() + timedelta(minutes=minutes))
    yield database
    await database.close()


async def test_a_job_that_waits_is_cancelled_at_once(settings: Settings, academic: Database, queue: JobQueue) -> None:
    job_id = await enqueue(academic, queue, name="Siti")
    async with academic.write(SYSTEM) as tx:
        assert (await queue.cancel(tx, job_id)).status == "CANCELLED"
    assert stored_payload(settings, job_id) is None
    assert not await runner(academic, queue, import_names).run_next(asyncio.Event())
    assert await notes(academic) == []


async def test_a_running_job_is_cancelled_and_rolled_back(
    settings: Settings, academic: Database, queue: JobQueue
) -> None:
    started = asyncio.Event()

    async def operation(tx: TenantTransaction, _: RunningJob) -> None:
        await write_note(tx, "never")
        started.set()
        await asyncio.sleep(60)

    job_id = await enqueue(academic, queue)
    running = asyncio.create_task(runner(academic, queue, operation).run_next(asyncio.Event()))
    await started.wait()
    async with academic.write(SYSTEM) as tx:
        assert (await queue.cancel(tx, job_id)).status == "RUNNING"
    assert stored_payload(settings, job_id) is not None
    await asyncio.wait_for(running, 10)
    assert stored_payload(settings, job_id) is None
    assert (await found(academic, queue, job_id)).status == "CANCELLED"
    assert await notes(academic) == []


async def test_cancelled_at_the_last_moment_means_no_effect(academic: Database, queue: JobQueue) -> None:
    async def operation(tx: TenantTransaction, job: RunningJob) -> None:
        await write_note(tx, "never")
        async with academic.write(SYSTEM) as beside:
            await queue.cancel(beside, job.id)

    job_id = await enqueue(academic, queue)
    await runner(academic, queue, operation).run_next(asyncio.Event())
    assert (await found(academic, queue, job_id)).status == "CANCELLED"
    assert await notes(academic) == []


async def test_what_has_ended_stays_as_it_is(academic: Database, queue: JobQueue) -> None:
    job_id = await enqueue(academic, queue, name="Siti")
    await runner(academic, queue, import_names).run_next(asyncio.Event())
    async with academic.write(SYSTEM) as tx:
        assert (await queue.cancel(tx, job_id)).status == "SUCCEEDED"


async def test_a_worker_that_stops_gives_its_job_back(academic: Database, queue: JobQueue) -> None:
    started, stop = asyncio.Event(), asyncio.Event()

    async def slow(tx: TenantTransaction, _: RunningJob) -> None:
        await write_note(tx, "never")
        started.set()
        await asyncio.sleep(60)

    job_id = await enqueue(academic, queue, name="Siti")
    running = asyncio.create_task(runner(academic, queue, slow).run_next(stop))
    await started.wait()
    stop.set()
    await asyncio.wait_for(running, 10)
    assert (await found(academic, queue, job_id)).status == "QUEUED"
    await runner(academic, queue, import_names).run_next(asyncio.Event())
    assert (await found(academic, queue, job_id)).status == "SUCCEEDED"
    assert await notes(academic) == sorted(["Siti", str(SOMEBODY)])


async def test_the_job_of_a_dead_worker_is_taken_up_and_the_dead_one_ends_nothing(
    settings: Settings, academic: Database, queue: JobQueue
) -> None:
    """The first worker hangs (a stopped process) until its lease has run out and another one has done the work."""

    async def hang(tx: TenantTransaction, _: RunningJob) -> None:
        await write_note(tx, "by the dead one")
        async with later(settings, minutes=5) as ahead:
            await runner(ahead, queue, import_names).run_next(asyncio.Event())

    job_id = await enqueue(academic, queue, name="Siti")
    await runner(academic, queue, hang).run_next(asyncio.Event())
    assert (await found(academic, queue, job_id)).status == "SUCCEEDED"
    assert await notes(academic) == sorted(["Siti", str(SOMEBODY)])


async def test_two_workers_share_the_queue_without_meeting(academic: Database, queue: JobQueue) -> None:
    for number in range(6):
        await enqueue(academic, queue, name=f"job {number}")

    async def work() -> None:
        while await runner(academic, queue, operation).run_next(asyncio.Event()):
            pass

    async def operation(tx: TenantTransaction, job: RunningJob) -> None:
        await write_note(tx, job.payload["name"])

    await asyncio.gather(work(), work(), work())
    assert await notes(academic) == [f"job {number}" for number in range(6)]


async def test_the_work_of_a_suspended_school_waits(settings: Settings, academic: Database, queue: JobQueue) -> None:
    job_id = await enqueue(academic, queue, name="Siti")
    with psycopg.connect(
        settings.database_admin_url.get_secret_value(), dbname=settings.database_url.rpartition("/")[2], autocommit=True
    ) as admin:
        admin.execute("insert into academic.tenants values (%s, 'SUSPENDED'), (%s, 'ACTIVE')", (TENANT, OTHER))
        worker = runner(academic, queue, import_names)
        assert not await worker.run_next(asyncio.Event())
        assert (await found(academic, queue, job_id)).status == "QUEUED"
        admin.execute("update academic.tenants set status = 'ACTIVE'")
    assert await worker.run_next(asyncio.Event())
    assert (await found(academic, queue, job_id)).status == "SUCCEEDED"
