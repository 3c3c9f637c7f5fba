"""Long work as every subgraph tells of it: one value type, so that composition finds the same in each."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from enum import StrEnum
from typing import Final, Protocol, Self
from uuid import UUID

import strawberry

from libs.graph.context import Info
from libs.graph.enums import described_enum
from libs.graph.results import FieldError, field_errors
from libs.kernel import FieldFault, Forbidden


class JobStatus(StrEnum):
    """Where long work stands, as the queue keeps it."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


_UNDER_WAY: Final = (JobStatus.QUEUED, JobStatus.RUNNING)
_LEAST_SECONDS: Final = 0.2  # between two looks at one job, however fast its steps are done

described_enum(
    JobStatus,
    "Where long work stands.",
    QUEUED="Waits for a worker.",
    RUNNING="Is being done.",
    SUCCEEDED="Is done.",
    FAILED="Changed nothing; the errors say why.",
    CANCELLED="Was called back, and changed nothing.",
)


class KeptJob(Protocol):
    """Long work as a queue keeps it; `libs.jobs.Job` is one."""

    @property
    def id(self) -> UUID: ...
    @property
    def kind(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int | None: ...
    @property
    def errors(self) -> Sequence[FieldFault]: ...


@strawberry.federation.type(shareable=True, description="How far long work is.")
class JobProgress:
    """Counted in steps of the work."""

    done: int = strawberry.field(description="Steps done.")
    total: int | None = strawberry.field(description="Steps there are, where that is known.")


@strawberry.federation.type(shareable=True, description="Long work that goes on after the answer.")
class Job:
    """As a client follows it."""

    id: UUID = strawberry.field(description="Identity of the job.")
    kind: str = strawberry.field(description="What is done, like IMPORT_STUDENTS.")
    status: JobStatus = strawberry.field(description="Where it stands.")
    progress: JobProgress = strawberry.field(description="How far it is.")
    errors: list[FieldError] = strawberry.field(description="Why it failed, or the report of a dry run.")

    @classmethod
    def of(cls, kept: KeptJob, language: str) -> Self:
        """A job of the queue, its errors told in this language."""
        return cls(
            id=kept.id,
            kind=kept.kind,
            status=JobStatus(kept.status),
            progress=JobProgress(done=kept.done, total=kept.total),
            errors=field_errors(kept.errors, language),
        )


async def follow_job(info: Info, job_id: UUID, *, permission: str) -> AsyncGenerator[Job | None]:
    """Tells a job as it stands, and again whenever it has changed, until its end; None where `find_job` finds none.

    Raises Forbidden, and FeedEnded when the `progress` in the subgraph's `extras` may have missed something.
    """
    last: Job | None = None
    async with info.context.extras.progress.follow(info.context.signed_in.tenant_id, job_id) as changes:
        # Followed first: what changes while it is read is told as well.
        yield (last := await find_job(info, job_id, permission=permission))
        while last is not None and last.status in _UNDER_WAY:
            await anext(changes)
            job = await find_job(info, job_id, permission=permission)
            if job != last:
                yield (last := job)
                await asyncio.sleep(_LEAST_SECONDS)


async def find_job(info: Info, job_id: UUID, *, permission: str) -> Job | None:
    """Long work of the actor's school as the queue in the subgraph's `extras` keeps it, or None.

    `permission` is the one that orders such work, like `student:import`. Raises Forbidden.
    """
    context = info.context
    actor = context.signed_in
    if not actor.may(permission):
        raise Forbidden
    async with context.database.read(actor.binding(permission.partition(":")[0])) as tx:
        kept = await context.extras.queue.find(tx, job_id)
    return None if kept is None else Job.of(kept, context.language)
