"""Which pupils a message is about. Message and guardianship may arrive in either order, or at once."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from libs.db import TenantTransaction
from libs.events import EventMeta
from libs.events.contracts.academic import GuardianLinked, StudentCreated, StudentUpdated

# Two transactions that tell of the same record, each blind to the other's rows, would both miss the link.
_LOCK = text("select pg_advisory_xact_lock(hashtextextended(record::text, 7)) from unnest(:records) as record")
_LINK_NOTIFICATION = text(
    """
    insert into notification.notification_students (tenant_id, id, notification_id, student_id)
    select :tenant_id, uuidv7(), :notification_id, pupil.id
    from (
      select id from notification.pupils where tenant_id = :tenant_id and id = :record_id
      union
      select student_id from notification.guardianships where tenant_id = :tenant_id and guardian_id = :record_id
    ) as pupil
    on conflict (tenant_id, notification_id, student_id) do nothing
    """
)
_LINK_PUPIL = text(
    """
    insert into notification.notification_students (tenant_id, id, notification_id, student_id)
    select tenant_id, uuidv7(), id, :student_id
    from notification.notifications
    where tenant_id = :tenant_id and about_record_id = any(:records) and about_record_id is not null
    on conflict (tenant_id, notification_id, student_id) do nothing
    """
)


async def link_new_notification(tx: TenantTransaction, *, notification_id: UUID, record_id: UUID) -> None:
    """A message about a record is about the pupil of that record, or about every pupil of that guardian.

    The statement that wrote the message has locked the record.
    """
    values = {"tenant_id": tx.tenant_id, "notification_id": notification_id, "record_id": record_id}
    await tx.execute(_LINK_NOTIFICATION, values)


async def link_pupil(tx: TenantTransaction, event: StudentCreated | StudentUpdated, _meta: EventMeta) -> None:
    """Messages about this pupil or a guardian that came before the pupil did are about the pupil too."""
    records = [event.student_id, *(guardian.guardian_id for guardian in event.guardians)]
    await _link(tx, student_id=event.student_id, records=records)


async def link_guardianship(tx: TenantTransaction, event: GuardianLinked, _meta: EventMeta) -> None:
    """Messages to a guardian about the guardian's own record count for a pupil linked later, too."""
    await _link(tx, student_id=event.student_id, records=[event.guardian_id])


async def _link(tx: TenantTransaction, *, student_id: UUID, records: Sequence[UUID]) -> None:
    await tx.execute(_LOCK, {"records": sorted(records)})
    await tx.execute(_LINK_PUPIL, {"tenant_id": tx.tenant_id, "student_id": student_id, "records": list(records)})
