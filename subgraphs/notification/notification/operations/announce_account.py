"""Messages about somebody's own account: links that are good once, and what happened to it."""

from datetime import timedelta
from typing import Final

from libs.crypto import Vault
from libs.db import TenantTransaction
from libs.events import EventMeta
from libs.events.contracts.identity import PasswordChanged, PasswordResetRequested, UnlockRequested
from subgraphs.notification.notification.operations.announce import message, sealed, write
from subgraphs.notification.template.rules import EventType

LinkByMail = PasswordResetRequested | UnlockRequested

_LINKS: Final[dict[type[LinkByMail], EventType]] = {
    PasswordResetRequested: EventType.PASSWORD_RESET_REQUESTED,
    UnlockRequested: EventType.USER_UNLOCK_REQUESTED,
}


async def announce_link(tx: TenantTransaction, event: LinkByMail, meta: EventMeta, *, vault: Vault) -> None:
    """Writes the mail with a link that is good once and for minutes; its token is sealed with the person's key.

    Raises TemplateRefused.
    """
    key = (await vault.person_keys(tx, [event.user_id], create=True))[event.user_id]
    notification_id = tx.new_id()
    variables = {"minutes": round((event.expires_at - meta.time) / timedelta(minutes=1))}
    values = message(notification_id, _LINKS[type(event)], event, meta, variables, about=None)
    token = sealed(tx, key, notification_id, event.secret)
    await write(tx, {**values, "sealed": token, "expires_at": event.expires_at})


async def announce_password(tx: TenantTransaction, event: PasswordChanged, meta: EventMeta) -> None:
    """Writes that the password is another one now: whoever did not change it has to know. Raises TemplateRefused."""
    values = message(tx.new_id(), EventType.PASSWORD_CHANGED, event, meta, {}, about=None)
    await write(tx, {**values, "sealed": None, "expires_at": None})
