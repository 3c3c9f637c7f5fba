"""Trying again on an operator's word, and forgetting what nobody needs any more."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import text

from libs.db import TenantTransaction
from libs.events import Event, EventMeta
from subgraphs.notification.notification.rules import ABSENCES_KEPT

_RETRY = text(
    """
    with retried as (
      update notification.notifications set status = 'PENDING', attempts = 0, error_message = null, updated_at = now()
      where tenant_id = :tenant_id and id = :id and status = 'FAILED'
      returning tenant_id, id
    )
    insert into notification.deliveries (tenant_id, notification_id, due_at)
    select tenant_id, id, :now from retried
    on conflict (tenant_id, notification_id) do nothing
    """
)
_FORGET = text(
    """
    update notification.notifications set sealed = null, updated_at = now()
    where tenant_id = :tenant_id and sealed is not null and expires_at < :now
    """
)
_FORGET_ABSENCES = text("delete from notification.absences where tenant_id = :tenant_id and date < :day")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRequested(Event):
    """What lies in the dead letter of a failed message: replaying it tries the message again.

    Nobody publishes it, and it holds nothing but the id; what the message needs stays sealed in its row.
    """

    domain: ClassVar[str] = "notification"
    aggregate: ClassVar[str] = "notification"
    aggregate_key: ClassVar[str] = "notification_id"

    notification_id: UUID


async def retry_notification(tx: TenantTransaction, event: RetryRequested, _meta: EventMeta) -> None:
    """Queues a failed message for three more attempts. One that is not failed (any more) stays as it is."""
    await tx.execute(_RETRY, {"tenant_id": tx.tenant_id, "id": event.notification_id, "now": tx.now})


async def forget_secrets(tx: TenantTransaction) -> None:
    """Deletes the sealed tokens of messages that were not sent before they expired, and absences of last week."""
    await tx.execute(_FORGET, {"tenant_id": tx.tenant_id, "now": tx.now})
    await tx.execute(_FORGET_ABSENCES, {"tenant_id": tx.tenant_id, "day": (tx.now - ABSENCES_KEPT).date()})
