"""Messages about somebody's own account: links that are good once, and what happened to it."""

from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import text

from libs.crypto import Vault
from libs.db import TenantTransaction
from libs.events import EventMeta
from libs.events.contracts.identity import (
    EmailVerificationRequested,
    PasswordChanged,
    PasswordResetRequested,
    RegistrationRepeated,
    SecondFactorChanged,
    UnlockRequested,
    UserRegistered,
)
from subgraphs.notification.notification.operations.announce import message, sealed, write
from subgraphs.notification.template.rules import EventType

LinkByMail = UserRegistered | PasswordResetRequested | UnlockRequested | EmailVerificationRequested

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
_LINKS: Final[dict[type[LinkByMail], tuple[EventType, str, timedelta]]] = {
    UserRegistered: (EventType.USER_REGISTERED, "hours", _HOUR),
    PasswordResetRequested: (EventType.PASSWORD_RESET_REQUESTED, "minutes", _MINUTE),
    UnlockRequested: (EventType.USER_UNLOCK_REQUESTED, "minutes", _MINUTE),
    EmailVerificationRequested: (EventType.EMAIL_VERIFICATION_REQUESTED, "hours", _HOUR),
}
"""What tells of a link, and in which unit it tells how long the link is good."""

_TIMEZONE: Final = text("select timezone from notification.tenants where tenant_id = :tenant_id and id = :tenant_id")
_PLATFORMS_TIMEZONE: Final = "Asia/Jakarta"


async def announce_link(tx: TenantTransaction, event: LinkByMail, meta: EventMeta, *, vault: Vault) -> None:
    """Writes the mail with a link that is good once and not for long; its token is sealed with the person's key.

    Raises TemplateRefused.
    """
    key = (await vault.person_keys(tx, [event.user_id], create=True))[event.user_id]
    notification_id = tx.new_id()
    event_type, unit, length = _LINKS[type(event)]
    variables = {unit: round((event.expires_at - meta.time) / length)}
    values = message(notification_id, event_type, event, meta, variables, about=None)
    token = sealed(tx, key, notification_id, event.secret)
    await write(tx, {**values, "sealed": token, "expires_at": event.expires_at})


async def announce_password(tx: TenantTransaction, event: PasswordChanged, meta: EventMeta) -> None:
    """Writes that the password is another one now: whoever did not change it has to know. Raises TemplateRefused."""
    variables = {"at": await _said_at(tx, meta)}
    values = message(tx.new_id(), EventType.PASSWORD_CHANGED, event, meta, variables, about=None)
    await write(tx, {**values, "sealed": None, "expires_at": None})


async def announce_second_factor(tx: TenantTransaction, event: SecondFactorChanged, meta: EventMeta) -> None:
    """Writes what became of the second factor: whoever did not do it has to know. Raises TemplateRefused."""
    variables = {"at": await _said_at(tx, meta), "change": event.change}
    values = message(tx.new_id(), EventType.SECOND_FACTOR_CHANGED, event, meta, variables, about=None)
    await write(tx, {**values, "sealed": None, "expires_at": None})


async def _said_at(tx: TenantTransaction, meta: EventMeta) -> str:
    """When it happened, to the minute, by the school's clock: ISO with its offset."""
    timezone = (await tx.execute(_TIMEZONE, {"tenant_id": tx.tenant_id})).scalar()
    return meta.time.astimezone(ZoneInfo(timezone or _PLATFORMS_TIMEZONE)).isoformat(timespec="minutes")


async def announce_repeated_registration(tx: TenantTransaction, event: RegistrationRepeated, meta: EventMeta) -> None:
    """Writes to who has an account that somebody registered with the address again. Raises TemplateRefused."""
    values = message(tx.new_id(), EventType.REGISTRATION_REPEATED, event, meta, {}, about=None)
    await write(tx, {**values, "sealed": None, "expires_at": None})
