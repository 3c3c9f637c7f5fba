"""Runs long work: the effect is one transaction, its progress and its lease are told in short ones beside it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from libs.db import Database, TenantTransaction
from libs.jobs.queue import ATTEMPTS, LEASE, Claim, JobQueue
from libs.kernel import PLATFORM_TENANT_ID, Binding, DomainError, FieldFault, InvalidInput, Scope
from libs.telemetry import get_logger, tracing

_PLATFORM = Binding(PLATFORM_TENANT_ID, Scope.SYSTEM)
_RETRY = timedelta(seconds=5)
_INTERNAL = FieldFault(
    "input",
    "INTERNAL",
    {"id": "Pekerjaan ini gagal karena kesalahan sistem.", "en": "This work failed by a fault of ours."},
)
_log = get_logger(__name__)


class JobStopped(Exception):
    """The job was cancelled, or another worker has it: whatever was done is rolled back."""


@dataclass(frozen=True, slots=True)
class RunningJob:
    """What an operation is told of its job. `payload` is what was queued."""

    id: UUID
    tenant_id: UUID
    created_by: UUID | None
    payload: Mapping[str, Any]
    _report: Callable[[int, int | None], Awaitable[None]]

    async def progress(self, done: int, total: int | None = None) -> None:
        """Shows how far the work is, at once and to everyone. Raises JobStopped when it is to end."""
        await self._report(done, total)


JobOperation = Callable[[TenantTransaction, RunningJob], Awaitable[Sequence[FieldFault] | None]]
"""The faults it answers are the job's report (a dry run); InvalidInput rolls back and is the report of a failure."""

JobOperations = Mapping[str, JobOperation]
"""What a subgraph's jobs.py holds: `JOBS: JobOperations = {"IMPORT_STUDENTS": import_students}`, by kind."""


class JobRunner:
    """Runs the jobs of one subgraph, one at a time, under system scope of the job's tenant.

    A worker that dies leaves a lease that runs out, and another one starts the job anew; the effect and the word
    SUCCEEDED are one transaction, so there is one effect.
    """

    def __init__(self, database: Database, queue: JobQueue, operations: JobOperations) -> None:
        self._database = database
        self._queue = queue
        self._operations = operations

    async def run_next(self, stop: asyncio.Event) -> bool:
        """Runs the next waiting job to its end; False when none waits."""
        async with self._database.write(_PLATFORM) as tx:
            claim = await self._queue.claim(tx)
        if claim is None:
            return False
        with tracing(claim.traceparent):
            if claim.attempts > ATTEMPTS:  # it took its workers with it
                await self._end(claim, "FAILED", errors=(_INTERNAL,))
            else:
                await self._run(claim, stop)
        return True

    async def _run(self, claim: Claim, stop: asyncio.Event) -> None:
        effect = asyncio.create_task(self._effect(claim))
        lease = asyncio.create_task(self._keep_lease(claim))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({effect, lease, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not effect.done():
                effect.cancel()
            await self._settle(claim, effect)
        finally:
            for task in (effect, lease, stopping):
                task.cancel()
            await asyncio.gather(effect, lease, stopping, return_exceptions=True)

    async def _effect(self, claim: Claim) -> None:
        async def report(done: int, total: int | None) -> None:
            async with self._database.write(Binding(claim.tenant_id, Scope.SYSTEM)) as beside:
                goes_on = await self._queue.report(beside, claim, done, total)
            if not goes_on:
                raise JobStopped

        async with self._database.write(Binding(claim.tenant_id, Scope.SYSTEM)) as tx:
            payload = await self._queue.open_payload(tx, claim)
            job = RunningJob(claim.id, claim.tenant_id, claim.created_by, payload, report)
            faults = await self._operations[claim.kind](tx, job)
            await tx.flush()
            if not await self._queue.finish(tx, claim, "SUCCEEDED", errors=faults or ()):
                raise JobStopped

    async def _settle(self, claim: Claim, effect: asyncio.Task[None]) -> None:
        try:
            await effect
        except asyncio.CancelledError:
            await self._end_cancelled(claim)
        except JobStopped:
            await self._end_cancelled(claim)
        except InvalidInput as invalid:
            await self._end(claim, "FAILED", errors=invalid.faults)
        except DomainError as error:
            texts = {language: error.message(language) for language in error.texts}
            await self._end(claim, "FAILED", errors=(FieldFault("input", error.code, texts),))
        except Exception as error:  # noqa: BLE001 - logged; the person who waits is told
            _log.exception("job_failed", job_id=claim.id, kind=claim.kind, attempt=claim.attempts, error=error)
            if claim.attempts < ATTEMPTS:
                await self._give_back(claim, _RETRY)
            else:
                await self._end(claim, "FAILED", errors=(_INTERNAL,))

    async def _end_cancelled(self, claim: Claim) -> None:
        """Cancelled where somebody asked for it; else this worker stops or lost the lease, and another one goes on."""
        async with self._database.write(Binding(claim.tenant_id, Scope.SYSTEM)) as tx:
            goes_on = await self._queue.renew(tx, claim)
        if goes_on:
            await self._give_back(claim, timedelta(), refund=True)
        else:
            await self._end(claim, "CANCELLED")

    async def _give_back(self, claim: Claim, wait: timedelta, *, refund: bool = False) -> None:
        async with self._database.write(Binding(claim.tenant_id, Scope.SYSTEM)) as tx:
            await self._queue.finish(tx, claim, "QUEUED", run_after=tx.now + wait, refund=refund)

    async def _end(self, claim: Claim, status: str, *, errors: Sequence[FieldFault] = ()) -> None:
        async with self._database.write(Binding(claim.tenant_id, Scope.SYSTEM)) as tx:
            await self._queue.finish(tx, claim, status, errors=errors)

    async def _keep_lease(self, claim: Claim) -> None:
        """Ends when the job is to be cancelled or the lease is lost."""
        goes_on = True
        while goes_on:
            await asyncio.sleep(min(1.0, LEASE.total_seconds() / 3))
            with suppress(SQLAlchemyError):  # the lease is longer than an outage that matters
                async with self._database.write(Binding(claim.tenant_id, Scope.SYSTEM)) as tx:
                    goes_on = await self._queue.renew(tx, claim)
