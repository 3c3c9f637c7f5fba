"""What became of attempts: one statement per school and batch, an event per message that is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text

from libs.db import TenantTransaction
from libs.events import EventMeta
from libs.events.contracts.notification import NotificationFailed, NotificationSent
from libs.events.dead_letters import DeadLetters
from libs.events.envelope import event_type, pack, unpack
from subgraphs.notification.channel.rules import Outcome, Receipt
from subgraphs.notification.notification.operations.retry import RetryRequested
from subgraphs.notification.notification.rules import (
    MAX_ATTEMPTS,
    NotificationStatus,
    Undeliverable,
    Verdict,
    after_failure,
    after_success,
)

# A message that was sent is sent, whoever holds it now. Any other verdict counts only while the claim is still ours:
# `attempts` tells, because the next claim raises it.
_RECORD = text(
    """
    with verdict as (
      select * from unnest(
        cast(:ids as uuid[]), cast(:attempts as int[]), cast(:statuses as text[]), cast(:errors as text[]),
        cast(:due as timestamptz[])
      ) as v (id, attempts, status, error, due_at)
    ), changed as (
      update notification.notifications as n
      set status = v.status, attempts = least(v.attempts, :most), error_message = v.error, updated_at = now(),
          sent_at = case when v.status = 'SENT' then cast(:now as timestamptz) end,
          sealed = case when v.status = 'SENT' then null else n.sealed end
      from verdict v
      where n.tenant_id = :tenant_id and n.id = v.id and n.status in ('PENDING', 'RETRY')
        and (v.status = 'SENT' or exists (
          select from notification.deliveries d
          where d.tenant_id = n.tenant_id and d.notification_id = n.id and d.attempts = v.attempts))
      returning n.tenant_id, n.id, n.channel, n.event_type, n.status, n.attempts, n.user_id, v.error, v.due_at
    ), later as (
      update notification.deliveries as d set due_at = c.due_at
      from changed c where c.status = 'RETRY' and d.tenant_id = c.tenant_id and d.notification_id = c.id
    ), over as (
      delete from notification.deliveries as d
      using changed c where c.status <> 'RETRY' and d.tenant_id = c.tenant_id and d.notification_id = c.id
    )
    select c.id, c.channel, c.event_type, c.status, c.attempts, c.user_id, c.error,
      (select (array_agg(s.student_id))[1] from notification.notification_students s
       where s.tenant_id = c.tenant_id and s.notification_id = c.id having count(*) = 1) as student_id
    from changed c where c.status <> 'RETRY'
    """
)


@dataclass(frozen=True, slots=True)
class Result:
    """What the channel answered to one attempt."""

    notification_id: UUID
    attempts: int
    receipt: Receipt


async def record_results(tx: TenantTransaction, results: Sequence[Result]) -> None:
    """Records the attempts of one school; emits NotificationSent and NotificationFailed, buries what failed."""
    verdicts = [_verdict(tx, result) for result in results]
    over = await tx.execute(
        _RECORD,
        {
            "tenant_id": tx.tenant_id,
            "now": tx.now,
            "most": MAX_ATTEMPTS,
            "ids": [result.notification_id for result in results],
            "attempts": [result.attempts for result in results],
            "statuses": [verdict.status.value for verdict in verdicts],
            "errors": [verdict.error for verdict in verdicts],
            "due": [verdict.due_at for verdict in verdicts],
        },
    )
    for row in over.all():
        if row.status == NotificationStatus.SENT:
            tx.emit(NotificationSent(sent_at=tx.now, **_told(row)))
        else:
            tx.emit(NotificationFailed(error=row.error, **_told(row)))
            await _bury(tx, row)


def _verdict(tx: TenantTransaction, result: Result) -> Verdict:
    if result.receipt.outcome is Outcome.SENT:
        return after_success()
    return after_failure(
        error=result.receipt.error or result.receipt.outcome,
        permanent=result.receipt.outcome is Outcome.PERMANENT,
        attempts=result.attempts,
        notification_id=result.notification_id,
        now=tx.now,
    )


def _told(row: Row[Any]) -> dict[str, Any]:
    return {
        "notification_id": row.id,
        "channel": row.channel,
        "event_type": row.event_type,
        "attempts": row.attempts,
        "recipient_user_id": row.user_id,
        "about_student_id": row.student_id,
    }


async def _bury(tx: TenantTransaction, row: Row[Any]) -> None:
    """A dead letter whose replay is another three attempts."""
    body = pack(
        meta=EventMeta(id=tx.new_id(), sequence=0, time=tx.now, tenant_id=tx.tenant_id),
        subgraph="notification",
        type=event_type(RetryRequested),
        subject_id=row.id,
        traceparent=None,
        data=orjson.dumps({"notification_id": row.id}),
    )
    await DeadLetters("notification").bury(tx, unpack(body), error=Undeliverable(row.error), deliveries=row.attempts)
