"""What applicants and payers are told: of an application that was verified, of money that came in."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from libs.db import TenantTransaction
from libs.events import EventMeta
from libs.events.contracts.admission import ApplicationVerified
from libs.events.contracts.finance import PaymentReceived
from subgraphs.notification.notification.rules import Channel, NotKnownYet, told_once
from subgraphs.notification.template.queries import compose_all
from subgraphs.notification.template.rules import DEFAULT_LANGUAGE, EventType

# Whom an application named, or the primary guardians of a pupil who have an account: the id says which of the two.
_TELL = text(
    """
    with recipient as (
      select c.id, c.language, c.email, cast(null as uuid) as user_id, cast(null as uuid) as student_id
      from notification.contacts c where c.tenant_id = :tenant_id and c.application_id = :about
      union all
      select distinct c.id, c.language, c.email, c.id, g.student_id
      from notification.guardianships g
      join notification.contacts c on c.tenant_id = g.tenant_id and c.id = g.user_id
      where g.tenant_id = :tenant_id and g.student_id = :about and g.is_primary
    ), written as (
      insert into notification.notifications (
        id, contact_id, user_id, event_id, channel, event_type, language, subject, body, metadata)
      select uuidv7(), r.id, r.user_id, cast(:event_id as uuid), :channel, :event_type, r.language,
        said.subject, said.body, cast(:metadata as jsonb)
      from recipient r
      join unnest(cast(:languages as text[]), cast(:subjects as text[]), cast(:bodies as text[]))
        as said (language, subject, body)
        on said.language = case when r.language = any(:languages) then r.language else :default_language end
      where r.email is not null
      on conflict (tenant_id, contact_id, event_id) do nothing
      returning tenant_id, id, contact_id
    ), queued as (
      insert into notification.deliveries (tenant_id, notification_id, due_at)
      select tenant_id, id, cast(:now as timestamptz) from written
    ), linked as (
      insert into notification.notification_students (tenant_id, id, notification_id, student_id)
      select w.tenant_id, uuidv7(), w.id, r.student_id
      from written w join recipient r on r.id = w.contact_id where r.student_id is not null
    )
    select exists (select from recipient)
      or exists (select from notification.pupils where tenant_id = :tenant_id and id = :about) as is_known
    """
)


async def announce_verification(tx: TenantTransaction, event: ApplicationVerified, _meta: EventMeta) -> None:
    """Writes to an applicant's contact that the application is verified. Raises NotKnownYet, TemplateRefused."""
    await _tell(
        tx, EventType.APPLICATION_VERIFIED, event.application_id, event.application_id, {"number": event.number}
    )


async def announce_payment(tx: TenantTransaction, event: PaymentReceived, _meta: EventMeta) -> None:
    """Writes the receipt of a payment to the applicant's contact or the pupil's primary guardians.

    Raises NotKnownYet when neither applicant nor pupil has arrived, TemplateRefused.
    """
    variables = {
        "amount": event.amount,
        "invoice": event.invoice_number,
        "payment": event.number,
        "open": max(0, event.invoice_amount - event.paid),
    }
    await _tell(tx, EventType.PAYMENT_RECEIVED, event.payment_id, event.payer_id, variables)


async def _tell(
    tx: TenantTransaction, event_type: EventType, subject_id: UUID, about: UUID, variables: Mapping[str, Any]
) -> None:
    texts = compose_all(event_type, variables)
    values = {
        "tenant_id": tx.tenant_id,
        "about": about,
        "event_id": told_once(subject_id, event_type),
        "channel": Channel.EMAIL,
        "event_type": event_type,
        "languages": list(texts),
        "subjects": [each.subject for each in texts.values()],
        "bodies": [each.body for each in texts.values()],
        "default_language": DEFAULT_LANGUAGE,
        "metadata": orjson.dumps(variables).decode(),
        "now": tx.now,
    }
    if not (await tx.execute(_TELL, values)).scalar_one():
        raise NotKnownYet
