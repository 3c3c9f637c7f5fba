"""The roster follows academic: of one pupil, class or enrollment the event with the highest sequence holds."""

from sqlalchemy import text

from libs.db import TenantTransaction
from libs.events import EventMeta
from libs.events.contracts.academic import ClassCreated, StudentCreated, StudentEnrolled, StudentUpdated

# Written out, because thousands of them arrive at once when a school is set up: building a statement from its parts
# takes several times as long as running it.
_KEEP_STUDENT = text(
    """
    insert into finance.students as known (id, sequence, status) values (:id, :sequence, :status)
    on conflict (tenant_id, id) do update set
      sequence = excluded.sequence, status = excluded.status, updated_at = now()
    where known.sequence < excluded.sequence
    """
)
_KEEP_CLASS = text(
    """
    insert into finance.classes as known (id, sequence, level) values (:id, :sequence, :level)
    on conflict (tenant_id, id) do update set
      sequence = excluded.sequence, level = excluded.level, updated_at = now()
    where known.sequence < excluded.sequence
    """
)
_KEEP_ENROLLMENT = text(
    """
    insert into finance.enrollments as known (id, sequence, student_id, class_id, valid_from, valid_to)
    values (:id, :sequence, :student_id, :class_id, :valid_from, :valid_to)
    on conflict (tenant_id, id) do update set
      sequence = excluded.sequence, student_id = excluded.student_id, class_id = excluded.class_id,
      valid_from = excluded.valid_from, valid_to = excluded.valid_to, updated_at = now()
    where known.sequence < excluded.sequence
    """
)


async def keep_student(tx: TenantTransaction, event: StudentCreated | StudentUpdated, meta: EventMeta) -> None:
    """Keeps whether a pupil is at the school."""
    await tx.execute(_KEEP_STUDENT, {"id": event.student_id, "sequence": meta.sequence, "status": event.status})


async def keep_class(tx: TenantTransaction, event: ClassCreated, meta: EventMeta) -> None:
    """Keeps which grade level a class is."""
    await tx.execute(_KEEP_CLASS, {"id": event.class_id, "sequence": meta.sequence, "level": event.level})


async def keep_enrollment(tx: TenantTransaction, event: StudentEnrolled, meta: EventMeta) -> None:
    """Keeps who sits in which class, and when."""
    values = {
        "id": event.enrollment_id,
        "sequence": meta.sequence,
        "student_id": event.student_id,
        "class_id": event.class_id,
        "valid_from": event.valid_from,
        "valid_to": event.valid_to,
    }
    await tx.execute(_KEEP_ENROLLMENT, values)
