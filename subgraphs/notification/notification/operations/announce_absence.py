"""Absences: one message to a guardian for all pupils of a day, held back until a sender takes it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from libs.db import TenantTransaction
from libs.events import EventMeta
from libs.events.contracts.operations import AbsenceNotified
from subgraphs.notification.notification.rules import ABSENCE_LIFE, ABSENT, Channel, NotKnownYet
from subgraphs.notification.template.queries import compose_all
from subgraphs.notification.template.rules import DEFAULT_LANGUAGE, EventType

# Only of the school's own today: a replay tells nobody of the past. What is older than what is known changes nothing.
_KEEP = """
    insert into notification.absences as known (id, sequence, student_id, date, class_name, status)
    select uuidv7(), cast(:sequence as bigint), cast(:student_id as uuid), cast(:date as date), :class_name, :status
    from notification.tenants t
    where t.tenant_id = :tenant_id and t.id = :tenant_id
      and cast(cast(:now as timestamptz) at time zone t.timezone as date) = cast(:date as date)
    on conflict (tenant_id, student_id, date) do update set
      sequence = excluded.sequence, class_name = excluded.class_name, status = excluded.status, updated_at = now()
    where known.sequence < excluded.sequence
    returning tenant_id, student_id, date
"""
# A guardian's message that still collects takes the pupil in; its row is locked, so that no sender reads it meanwhile.
# One that was taken is closed, and out of the unique index: then another message begins. Its delivery is written with
# it and never touched again here, as senders lock deliveries before messages.
_TELL = text(
    f"""
    with told as ({_KEEP}), recipient as (
      select c.id as contact_id, c.language, uuidv7() as message_id, told.student_id
      from told join notification.contacts c on c.tenant_id = told.tenant_id
      where c.email is not null
        and c.id in (
          select g.user_id from notification.guardianships g
          where g.tenant_id = told.tenant_id and g.student_id = told.student_id)
        and not exists (
          select from notification.notification_students s
          join notification.notifications n on n.tenant_id = s.tenant_id and n.id = s.notification_id
          where s.tenant_id = told.tenant_id and s.student_id = told.student_id
            and n.contact_id = c.id and n.about_date = told.date)
      order by c.id
    ), message as (
      insert into notification.notifications (
        id, contact_id, user_id, event_id, channel, event_type, language, subject, body, expires_at, about_date,
        collecting, metadata)
      select r.message_id, r.contact_id, r.contact_id, cast(:event_id as uuid), :channel, :event_type, r.language,
        said.subject, said.body, cast(:expires_at as timestamptz), cast(:date as date), true, cast(:metadata as jsonb)
      from recipient r
      join unnest(cast(:languages as text[]), cast(:subjects as text[]), cast(:bodies as text[]))
        as said (language, subject, body)
        on said.language = case when r.language = any(:languages) then r.language else :default_language end
      on conflict (tenant_id, contact_id, about_date) where collecting do update set updated_at = now()
      returning tenant_id, id
    ), queued as (
      insert into notification.deliveries (tenant_id, notification_id, due_at)
      select m.tenant_id, m.id, cast(:due_at as timestamptz) from message m join recipient r on r.message_id = m.id
    ), linked as (
      insert into notification.notification_students (tenant_id, id, notification_id, student_id)
      select m.tenant_id, uuidv7(), m.id, cast(:student_id as uuid) from message m
      on conflict (tenant_id, notification_id, student_id) do nothing
    )
    select exists (select from told) as is_news,
      exists (select from notification.pupils where tenant_id = :tenant_id and id = :student_id) as is_known
    """  # noqa: S608 - our own words
)
_CORRECT = text(
    f"""
    with told as ({_KEEP})
    select n.id from told
    join notification.notification_students s on s.tenant_id = told.tenant_id and s.student_id = told.student_id
    join notification.notifications n on n.tenant_id = s.tenant_id and n.id = s.notification_id
    where n.about_date = told.date and n.collecting
    order by n.id for update of n
    """  # noqa: S608 - our own words
)
_TAKE_OUT = text(
    """
    with taken as (
      delete from notification.notification_students
      where tenant_id = :tenant_id and notification_id = any(:ids) and student_id = :student_id
    )
    update notification.notifications as n set status = 'CANCELLED', collecting = false, updated_at = now()
    where n.tenant_id = :tenant_id and n.id = any(:ids) and not exists (
      select from notification.notification_students s
      where s.tenant_id = n.tenant_id and s.notification_id = n.id and s.student_id <> :student_id)
    """
)


async def announce_absence(tx: TenantTransaction, event: AbsenceNotified, meta: EventMeta, *, hold: timedelta) -> None:
    """Takes a missing pupil into the messages of the day to the guardians who have an address; `hold` delays new ones.

    A mark that was corrected takes the pupil out of messages that no sender has taken, and cancels those about nobody
    else. Raises NotKnownYet for a pupil nobody told of, TemplateRefused.
    """
    kept = {
        "tenant_id": tx.tenant_id,
        "now": tx.now,
        "sequence": meta.sequence,
        "student_id": event.student_id,
        "date": event.date,
        "class_name": event.class_name,
        "status": event.status,
    }
    if event.status not in ABSENT:
        await _take_out(tx, kept, event.student_id)
        return
    told = (await tx.execute(_TELL, kept | _message(tx, event, meta, hold))).one()
    if told.is_news and not told.is_known:
        raise NotKnownYet


def _message(tx: TenantTransaction, event: AbsenceNotified, meta: EventMeta, hold: timedelta) -> dict[str, Any]:
    variables = {"date": event.date.isoformat()}
    texts = compose_all(EventType.ABSENCE_NOTIFIED, variables)
    return {
        "event_id": meta.id,
        "channel": Channel.EMAIL,
        "event_type": EventType.ABSENCE_NOTIFIED,
        "languages": list(texts),
        "subjects": [each.subject for each in texts.values()],
        "bodies": [each.body for each in texts.values()],
        "default_language": DEFAULT_LANGUAGE,
        "due_at": tx.now + hold,
        "expires_at": tx.now + ABSENCE_LIFE,
        "metadata": orjson.dumps(variables).decode(),
    }


async def _take_out(tx: TenantTransaction, kept: dict[str, Any], student_id: UUID) -> None:
    # Two statements: what the second one sees is what was committed by whoever held the messages before.
    if ids := list((await tx.execute(_CORRECT, kept)).scalars()):
        await tx.execute(_TAKE_OUT, {"tenant_id": tx.tenant_id, "ids": ids, "student_id": student_id})
