"""The long work of academic; it has no timed work yet."""

from collections.abc import Sequence

from libs.db import TenantTransaction
from libs.files import Uploads
from libs.jobs import JobOperations, RunningJob
from libs.kernel import FieldFault
from subgraphs.academic.contact.queries import Contacts
from subgraphs.academic.student.operations import IMPORT_STUDENTS, carry_out_import


def jobs(contacts: Contacts, uploads: Uploads) -> JobOperations:
    """Kind of job -> operation."""

    async def import_students(tx: TenantTransaction, job: RunningJob) -> Sequence[FieldFault]:
        return await carry_out_import(tx, job, contacts=contacts, uploads=uploads)

    return {IMPORT_STUDENTS: import_students}
