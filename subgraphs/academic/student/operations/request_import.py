"""An import as long work: asked for in a mutation, done by the worker."""

from uuid import UUID

from libs.db import TenantTransaction
from libs.files import Uploads
from libs.jobs import JobQueue, RunningJob
from libs.kernel import FieldFault, InvalidInput
from subgraphs.academic.academic_year.model import AcademicYear
from subgraphs.academic.contact.queries import Contacts
from subgraphs.academic.student.operations.import_students import run_import

IMPORT_STUDENTS = "IMPORT_STUDENTS"


async def request_import(
    tx: TenantTransaction,
    *,
    queue: JobQueue,
    uploads: Uploads,
    requested_by: UUID,
    academic_year_id: UUID,
    text: str | None,
    file_id: UUID | None,
    dry_run: bool,
) -> UUID:
    """Queues the import of a file, which is full of people and lies sealed; answers the job's id.

    Raises NotFound for an unknown year or upload, InvalidInput without a file.
    """
    file = await uploads.take(tx, text=text, file_id=file_id, keep=dry_run)
    year = await tx.get(AcademicYear, academic_year_id)
    payload = {"academic_year_id": str(year.id), "dry_run": dry_run, **file}
    return await queue.enqueue(tx, IMPORT_STUDENTS, payload, created_by=requested_by)


async def carry_out_import(
    tx: TenantTransaction, job: RunningJob, *, contacts: Contacts, uploads: Uploads
) -> list[FieldFault]:
    """The job itself. A dry run answers its faults as the report; otherwise they are why it failed: InvalidInput."""
    dry_run: bool = job.payload["dry_run"]
    faults = await run_import(
        tx,
        contacts=contacts,
        academic_year_id=UUID(job.payload["academic_year_id"]),
        content=await uploads.open(tx, job.payload),
        dry_run=dry_run,
    )
    if faults and not dry_run:
        raise InvalidInput(faults)
    if not dry_run:
        await uploads.discard(tx, job.payload)
    return faults
