"""Keeping count of the people who count against a school's quotas, from academic's events."""

from typing import Final

from libs.db import TenantTransaction
from libs.events import EventMeta, upsert_if_newer
from libs.events.contracts.academic import StudentCreated, StudentUpdated, TeacherCreated, TeacherUpdated
from subgraphs.identity.tenant.model import CountedPerson

_AT_SCHOOL: Final = "ACTIVE"


async def count_student(tx: TenantTransaction, event: StudentCreated | StudentUpdated, meta: EventMeta) -> None:
    """A pupil counts while at the school; what is older than the last change of the pupil does nothing."""
    values = {"record_id": event.student_id, "kind": "STUDENT", "counts": event.status == _AT_SCHOOL}
    await tx.execute(upsert_if_newer(CountedPerson, values, sequence=meta.sequence, keys=("tenant_id", "record_id")))


async def count_teacher(tx: TenantTransaction, event: TeacherCreated | TeacherUpdated, meta: EventMeta) -> None:
    """A teacher counts while at the school, as a pupil does."""
    values = {"record_id": event.teacher_id, "kind": "TEACHER", "counts": event.status == _AT_SCHOOL}
    await tx.execute(upsert_if_newer(CountedPerson, values, sequence=meta.sequence, keys=("tenant_id", "record_id")))
