"""From messages that a sender holds to the letters that leave: here alone secrets and names are opened."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Row, text

from libs.crypto import DataKey, Undecipherable, Vault
from libs.db import ReadTransaction, TenantTransaction
from subgraphs.notification.notification.rules import account_url, application_url, forgotten_url
from subgraphs.notification.template.queries import Letter
from subgraphs.notification.template.rules import EventType, TemplateRefused

# Before it is read: from here on no pupil joins the message and none leaves it. Whoever is at it is waited for.
_CLOSE = text(
    """
    update notification.notifications set collecting = false
    where tenant_id = :tenant_id and id = any(:ids) and collecting
    """
)
_READ = text(
    """
    select n.id, n.contact_id, n.event_type, n.language, n.subject, n.body, n.sealed, n.expires_at,
           n.metadata->>'number' as number, c.name, c.email, t.name as school, t.slug
    from notification.notifications n
    left join notification.contacts c on c.tenant_id = n.tenant_id and c.id = n.contact_id
    left join notification.tenants t on t.tenant_id = n.tenant_id and t.id = n.tenant_id
    where n.tenant_id = :tenant_id and n.id = any(:ids) and n.status in ('PENDING', 'RETRY')
    """
)
_PUPILS = text(
    """
    select n.id as notification_id, s.student_id, p.name, a.class_name, a.status
    from notification.notifications n
    join notification.notification_students s on s.tenant_id = n.tenant_id and s.notification_id = n.id
    join notification.absences a
      on a.tenant_id = n.tenant_id and a.student_id = s.student_id and a.date = n.about_date
    left join notification.pupils p on p.tenant_id = n.tenant_id and p.id = s.student_id
    where n.tenant_id = :tenant_id and n.id = any(:ids)
    order by n.id, a.class_name, s.student_id
    """
)
_DROP = text("delete from notification.deliveries where tenant_id = :tenant_id and notification_id = any(:ids)")

_ACCOUNT_PAGES: Final[Mapping[EventType, str]] = {
    EventType.USER_CREATED: "invitation",
    EventType.USER_REGISTERED: "invitation",
    EventType.USER_UNLOCK_REQUESTED: "unlock",
    EventType.EMAIL_VERIFICATION_REQUESTED: "verification",
    EventType.PASSWORD_RESET_REQUESTED: "reset-password",
}
"""Where a token that travels by mail is taken."""

_FOR_A_NEW_PASSWORD: Final = frozenset(
    {EventType.PASSWORD_CHANGED, EventType.SECOND_FACTOR_CHANGED, EventType.REGISTRATION_REPEATED}
)
"""What tells of a deed that may have been somebody else's: the answer to it is another password."""


@dataclass(frozen=True, slots=True)
class Due:
    """A message that is to leave now, and what opens its parts; `key` is the recipient's, None when there is none."""

    row: Row[Any]
    key: DataKey | None
    pupils: Sequence[Mapping[str, str]] = ()

    def address(self, tenant_id: UUID) -> str | None:
        """Where it goes; None without an address. Raises Undecipherable."""
        if self.row.email is None or self.key is None:
            return None
        place = {"table": "contacts", "column": "email", "row_id": self.row.contact_id, "tenant_id": tenant_id}
        return self.key.decrypt(self.row.email, **place)

    def letter(self, tenant_id: UUID, public_url: str) -> Letter:
        """The letter in full. Raises TemplateRefused when its secret has gone, Undecipherable."""
        event_type = EventType(self.row.event_type)
        secret = self._secret(tenant_id)
        return Letter(
            event_type=event_type,
            language=self.row.language,
            subject=self.row.subject,
            body=self.row.body,
            name=self.row.name,
            school=self.row.school,
            action_url=self._action_url(event_type, secret, public_url),
            details=self._details(event_type, secret),
        )

    def _secret(self, tenant_id: UUID) -> dict[str, str]:
        if self.row.sealed is None or self.key is None:
            return {}
        place = {"table": "notifications", "column": "sealed", "row_id": self.row.id, "tenant_id": tenant_id}
        opened: dict[str, str] = orjson.loads(self.key.decrypt(self.row.sealed, **place))
        return opened

    def _action_url(self, event_type: EventType, secret: Mapping[str, str], public_url: str) -> str | None:
        match event_type:
            case event_type if event_type in _ACCOUNT_PAGES:
                if "token" not in secret:
                    raise TemplateRefused("a link without its token")
                return account_url(public_url, _ACCOUNT_PAGES[event_type], secret["token"])
            case event_type if event_type in _FOR_A_NEW_PASSWORD and self.row.slug is not None:
                return forgotten_url(public_url, self.row.slug)
            case EventType.APPLICATION_SUBMITTED | EventType.APPLICATION_VERIFIED:
                return application_url(public_url, self.row.slug, self.row.number)
        return None

    def _details(self, event_type: EventType, secret: Mapping[str, str]) -> dict[str, Any]:
        match event_type:
            case EventType.ABSENCE_NOTIFIED:
                if not self.pupils:
                    raise TemplateRefused("an absence of nobody")
                return {"pupils": self.pupils}
            case EventType.APPLICATION_SUBMITTED:
                if "secret" not in secret:
                    raise TemplateRefused("an application without its secret")
                return {"secret": secret["secret"]}
        return {}


async def open_due(tx: TenantTransaction, vault: Vault, ids: Sequence[UUID]) -> dict[UUID, Due]:
    """Closes and reads these messages of one school, by id; those that were cancelled leave the queue."""
    wanted = {"tenant_id": tx.tenant_id, "ids": list(ids)}
    await tx.execute(_CLOSE, wanted)
    rows = {row.id: row for row in await tx.execute(_READ, wanted)}
    if cancelled := [each for each in ids if each not in rows]:
        await tx.execute(_DROP, {"tenant_id": tx.tenant_id, "ids": cancelled})
    absences = [row.id for row in rows.values() if row.event_type == EventType.ABSENCE_NOTIFIED]
    pupils = await _pupils(tx, vault, absences) if absences else {}
    keys = await _person_keys(vault, tx, [row.contact_id for row in rows.values()])
    return {row.id: Due(row, keys.get(row.contact_id), pupils.get(row.id, ())) for row in rows.values()}


async def _pupils(tx: ReadTransaction, vault: Vault, ids: Sequence[UUID]) -> dict[UUID, list[Mapping[str, str]]]:
    """Who is missing, by message: the names as they are opened; a name that does not open is left out."""
    rows = (await tx.execute(_PUPILS, {"tenant_id": tx.tenant_id, "ids": list(ids)})).all()
    keys = await _person_keys(vault, tx, [row.student_id for row in rows])
    found: dict[UUID, list[Mapping[str, str]]] = {}
    for row in rows:
        name = _name(tx, row, keys.get(row.student_id))
        told = {"name": name, "class_name": row.class_name, "status": row.status}
        found.setdefault(row.notification_id, []).append(told)
    return found


def _name(tx: ReadTransaction, row: Row[Any], key: DataKey | None) -> str:
    if row.name is None or key is None:
        return ""
    try:
        return key.decrypt(row.name, table="pupils", column="name", row_id=row.student_id, tenant_id=tx.tenant_id)
    except Undecipherable:
        return ""  # the family is told all the same: its template has a word for a child without a name


async def _person_keys(vault: Vault, tx: ReadTransaction, people: Iterable[UUID]) -> dict[UUID, DataKey]:
    """The keys that open: one broken key must not hold up the others' messages."""
    wanted = set(people)
    try:
        return await vault.person_keys(tx, wanted)
    except Undecipherable:
        if len(wanted) == 1:
            return {}
    found: dict[UUID, DataKey] = {}
    for person in wanted:
        found |= await _person_keys(vault, tx, [person])
    return found
