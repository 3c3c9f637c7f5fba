"""Writing messages: in the transaction of the event that causes them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from libs.crypto import DataKey
from libs.db import TenantTransaction
from libs.events import EventMeta
from libs.events.contracts.admission import ApplicationSubmitted
from libs.events.contracts.identity import (
    EmailVerificationRequested,
    PasswordChanged,
    PasswordResetRequested,
    RegistrationRepeated,
    SecondFactorChanged,
    UnlockRequested,
    UserActivated,
    UserInvited,
    UserRegistered,
)
from subgraphs.notification.notification.operations.link import link_new_notification
from subgraphs.notification.notification.rules import SECRET_LIFE, Channel, days_left, told_once
from subgraphs.notification.template.queries import compose
from subgraphs.notification.template.rules import EventType

AboutAccount = (
    UserInvited
    | UserActivated
    | UserRegistered
    | EmailVerificationRequested
    | RegistrationRepeated
    | PasswordResetRequested
    | UnlockRequested
    | PasswordChanged
    | SecondFactorChanged
)

# The message and its place in the queue, or neither when this event has told this person before. The lock of the record
# is taken before anything else, so that the next statement sees the pupils of whoever held it (link.py).
_WRITE = text(
    """
    with locked as materialized (
      select pg_advisory_xact_lock(hashtextextended(record::text, 7))
      from unnest(array[cast(:about_record_id as uuid)]) as record where record is not null
    ), written as (
      insert into notification.notifications (
        id, contact_id, user_id, about_record_id, event_id, channel, event_type, language, subject, body,
        sealed, expires_at, metadata)
      select
        cast(:id as uuid), cast(:contact_id as uuid), cast(:user_id as uuid), cast(:about_record_id as uuid),
        cast(:event_id as uuid), :channel, :event_type, :language, :subject, :body,
        cast(:sealed as bytea), cast(:expires_at as timestamptz), cast(:metadata as jsonb)
      from (select count(*) from locked) as taken
      on conflict (tenant_id, contact_id, event_id) do nothing
      returning tenant_id, id
    )
    insert into notification.deliveries (tenant_id, notification_id, due_at)
    select tenant_id, id, :now from written
    returning notification_id
    """
)


async def announce_invitation(tx: TenantTransaction, event: UserInvited, meta: EventMeta, *, key: DataKey) -> None:
    """Writes the invitation of an account; `key` is the invited person's, with which the token is sealed.

    Raises TemplateRefused.
    """
    notification_id = tx.new_id()
    token = sealed(tx, key, notification_id, event.secret)
    variables = {"days": days_left(now=meta.time, expires_at=event.expires_at)}
    values = message(notification_id, EventType.USER_CREATED, event, meta, variables, about=event.about)
    await write(tx, {**values, "sealed": token, "expires_at": event.expires_at})


async def announce_activation(tx: TenantTransaction, event: UserActivated, meta: EventMeta) -> None:
    """Writes that an account is active now. Raises TemplateRefused."""
    values = message(tx.new_id(), EventType.USER_ACTIVATED, event, meta, {}, about=event.record_id)
    await write(tx, {**values, "sealed": None, "expires_at": None})


async def announce_application(
    tx: TenantTransaction, event: ApplicationSubmitted, meta: EventMeta, *, key: DataKey
) -> None:
    """Writes to an applicant's contact that the application is in; `key` is the contact's.

    Nothing is written where there is no address, nor when the event brings no secret: then the state is told again.
    Raises TemplateRefused.
    """
    if "email" not in event.contact.personal or not event.secret:
        return
    notification_id = tx.new_id()
    variables = {"number": event.number, "period": event.period_name}
    composed = compose(EventType.APPLICATION_SUBMITTED, event.language, variables)
    await write(
        tx,
        {
            "id": notification_id,
            "contact_id": event.contact.contact_id,
            "user_id": None,
            "about_record_id": None,
            "event_id": told_once(event.application_id, EventType.APPLICATION_SUBMITTED),
            "channel": Channel.EMAIL,
            "event_type": EventType.APPLICATION_SUBMITTED,
            "language": event.language,
            "subject": composed.subject,
            "body": composed.body,
            "metadata": orjson.dumps(variables).decode(),
            "sealed": sealed(tx, key, notification_id, event.secret),
            "expires_at": meta.time + SECRET_LIFE,
        },
    )


def sealed(tx: TenantTransaction, key: DataKey, notification_id: UUID, secret: Mapping[str, str]) -> bytes:
    """The secret of a message as it waits beside it."""
    return key.encrypt(
        orjson.dumps(dict(secret)).decode(),
        table="notifications",
        column="sealed",
        row_id=notification_id,
        tenant_id=tx.tenant_id,
    )


def message(
    notification_id: UUID,
    event_type: EventType,
    event: AboutAccount,
    meta: EventMeta,
    variables: Mapping[str, Any],
    *,
    about: UUID | None,
) -> dict[str, Any]:
    """The values of a message to an account, but for its secret."""
    composed = compose(event_type, event.language, variables)
    return {
        "id": notification_id,
        "contact_id": event.user_id,
        "user_id": event.user_id,
        "about_record_id": about,
        "event_id": meta.id,
        "channel": Channel.EMAIL,
        "event_type": event_type,
        "language": event.language,
        "subject": composed.subject,
        "body": composed.body,
        "metadata": orjson.dumps(variables).decode(),
    }


async def write(tx: TenantTransaction, values: Mapping[str, Any]) -> None:
    """Writes a message and its place in the queue, once for this person and event."""
    is_new = (await tx.execute(_WRITE, {**values, "now": tx.now})).first() is not None
    if is_new and values["about_record_id"] is not None:
        await link_new_notification(tx, notification_id=values["id"], record_id=values["about_record_id"])
