"""Loading accounts from a file, in the graph, and the long work of identity."""

from collections.abc import AsyncGenerator
from typing import Annotated
from uuid import UUID

import strawberry

from libs.graph import Call, FileInput, Info, Job, find_job, follow_job, given, mutation, result
from subgraphs.identity.user_import.operations.import_users import request_import

_PERMISSION = "user:import"


@strawberry.input(
    description="Accounts as CSV or XLSX with the columns name, email and, if wanted, phone, roles (several are "
    "separated by commas, semicolons or bars) and language."
)
class ImportUsersInput:
    file: FileInput = given("The file.")
    role: str | None = given("Name of the role of the rows that name none.", default=None, max_length=100)
    dry_run: bool = given("Only tell what is wrong with it.", default=False)


@result
class ImportUsersSuccess:
    """The import is queued; the job tells what becomes of it."""

    job_id: strawberry.Private[UUID]

    @strawberry.field(description="The job; `identityJob` follows it.")
    async def job(self, info: Info) -> Job:
        """Read after the commit."""
        found = await find_job(info, self.job_id, permission=_PERMISSION)
        assert found is not None  # committed with this very answer
        return found


@strawberry.type
class UserImportQuery:
    """Queries about imports of accounts."""

    @strawberry.field(description="Long work of identity, like an import.", metadata={"permission": _PERMISSION})
    async def identity_job(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="Identity of the job.")]
    ) -> Job | None:
        """Null when the school has no such job."""
        return await find_job(info, id, permission=_PERMISSION)


@strawberry.type
class UserImportSubscription:
    """What is told of long work as it happens."""

    @strawberry.subscription(
        description="Long work of identity as it stands, then whenever status or progress change, until it ends.",
        metadata={"permission": _PERMISSION},
    )
    async def identity_job_progress(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="Identity of the job.")]
    ) -> AsyncGenerator[Job | None]:
        """Null, and no more, when the school has no such job."""
        async for job in follow_job(info, id, permission=_PERMISSION):
            yield job


@strawberry.type
class UserImportMutation:
    """Mutations of files of accounts."""

    @mutation(permission=_PERMISSION)
    async def import_users(self, call: Call, input: ImportUsersInput) -> ImportUsersSuccess:
        """Invites everybody in a file: all rows or none; loading it again changes nothing (matched by address)."""
        job_id = await request_import(
            call.tx,
            actor=call.actor,
            origin=call.context,
            queue=call.context.extras.queue,
            uploads=call.context.extras.uploads,
            file=(input.file.text, input.file.file_id),
            role=input.role,
            dry_run=input.dry_run,
        )
        return ImportUsersSuccess(job_id=job_id)
