"""Writing messages: in the transaction of the event that causes them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import literal, select
from sqlalchemy.dialects.postgresql import insert

from libs.crypto import Vault
from libs.db import TenantTransaction
from libs.events import EventMeta
from libs.events.contracts.identity import UserActivated, UserInvited
from subgraphs.notification.notification.model import Delivery, Notification
from subgraphs.notification.notification.operations.link import link_new_notification
from subgraphs.notification.notification.rules import Channel, days_left
from subgraphs.notification.template.queries import compose
from subgraphs.notification.template.rules import EventType


async def announce_invitation(tx: TenantTransaction, event: UserInvited, meta: EventMeta, *, vault: Vault) -> None:
    """Writes the invitation of an account; its token is sealed with the key of the invited person.

    Raises TemplateRefused.
    """
    notification_id = tx.new_id()
    keys = await vault.person_keys(tx, [event.user_id], create=True)
    sealed = keys[event.user_id].encrypt(
        orjson.dumps(dict(event.secret)).decode(),
        table="notifications",
        column="sealed",
        row_id=notification_id,
        tenant_id=tx.tenant_id,
    )
    variables = {"days": days_left(now=meta.time, expires_at=event.expires_at)}
    values = _message(notification_id, EventType.USER_CREATED, event, meta, variables, about=event.about)
    await _write(tx, {**values, "sealed": sealed, "expires_at": event.expires_at})


async def announce_activation(tx: TenantTransaction, event: UserActivated, meta: EventMeta) -> None:
    """Writes that an account is active now. Raises TemplateRefused."""
    await _write(tx, _message(tx.new_id(), EventType.USER_ACTIVATED, event, meta, {}, about=event.record_id))


def _message(
    notification_id: UUID,
    event_type: EventType,
    event: UserInvited | UserActivated,
    meta: EventMeta,
    variables: Mapping[str, Any],
    *,
    about: UUID | None,
) -> dict[str, Any]:
    text = compose(event_type, event.language, variables)
    return {
        "id": notification_id,
        "contact_id": event.user_id,
        "user_id": event.user_id,
        "about_record_id": about,
        "event_id": meta.id,
        "channel": Channel.EMAIL,
        "event_type": event_type,
        "language": event.language,
        "subject": text.subject,
        "body": text.body,
        "metadata": dict(variables),
    }


async def _write(tx: TenantTransaction, values: Mapping[str, Any]) -> None:
    """One statement: the message and its place in the queue, or neither when this event has told this person before."""
    written = (
        insert(Notification.__table__)
        .values(dict(values))
        .on_conflict_do_nothing(index_elements=["tenant_id", "contact_id", "event_id"])
        .returning(Notification.tenant_id, Notification.id)
        .cte("written")
    )
    due: datetime = tx.now
    queued = (
        insert(Delivery)
        .from_select(
            ["tenant_id", "notification_id", "attempts", "due_at"],
            select(written.c.tenant_id, written.c.id, literal(0), literal(due)),
        )
        .returning(Delivery.notification_id)
    )
    is_new = (await tx.execute(queued)).first() is not None
    if is_new and values["about_record_id"] is not None:
        await link_new_notification(tx, notification_id=values["id"], record_id=values["about_record_id"])
