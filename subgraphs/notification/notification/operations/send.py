"""Sending: claim in one transaction, deliver outside of any, record in another.

A claim counts the attempt and hides the message for the length of a lease, so that two senders never hold the same
one. What a sender does not live to record is sent again when the lease is over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text

from libs.crypto import DataKey, Undecipherable, Vault
from libs.db import Database, ReadTransaction, TenantTransaction
from libs.kernel import PLATFORM_TENANT_ID, Binding, Scope
from libs.telemetry import get_logger
from subgraphs.notification.channel.rules import BadAddress, Mail, Mailer, Outcome, Receipt, write_mail
from subgraphs.notification.notification.operations.record import Result, record_results
from subgraphs.notification.notification.rules import LEASE, MAX_ATTEMPTS, invitation_url
from subgraphs.notification.template.queries import Letter, lay_out
from subgraphs.notification.template.rules import EventType, TemplateRefused

BATCH = 100

_CLAIM = text(
    """
    update notification.deliveries as d set attempts = d.attempts + 1, due_at = :lease_end
    from (
      select tenant_id, notification_id from notification.deliveries
      where due_at <= :now order by due_at limit :limit for update skip locked
    ) as due
    where d.tenant_id = due.tenant_id and d.notification_id = due.notification_id
    returning d.tenant_id, d.notification_id, d.attempts
    """
)
_READ = text(
    """
    select n.id, n.contact_id, n.event_type, n.language, n.subject, n.body, n.sealed, n.expires_at,
           c.name, c.email, t.name as school
    from notification.notifications n
    left join notification.contacts c on c.tenant_id = n.tenant_id and c.id = n.contact_id
    left join notification.tenants t on t.tenant_id = n.tenant_id and t.id = n.tenant_id
    where n.tenant_id = :tenant_id and n.id = any(:ids)
    """
)
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A message this sender holds until its lease ends. `attempts` counts the coming one."""

    tenant_id: UUID
    notification_id: UUID
    attempts: int


class Sender:
    """Sends what is due, whichever school's it is. `public_url` and `mail_from` are those of the settings."""

    def __init__(self, database: Database, vault: Vault, mailer: Mailer, *, public_url: str, mail_from: str) -> None:
        self._database = database
        self._vault = vault
        self._mailer = mailer
        self._public_url = public_url
        self._mail_from = mail_from

    async def send_due(self, limit: int = BATCH) -> int:
        """Sends one batch and records what became of it; answers how many messages it was."""
        async with self._database.write(Binding(PLATFORM_TENANT_ID, Scope.SYSTEM)) as tx:
            claims = await _claim(tx, limit)
            prepared: dict[Claim, Mail | Receipt] = {}
            for tenant_id, own in groupby(claims, key=lambda claim: claim.tenant_id):
                await tx.rebind(Binding(tenant_id, Scope.SYSTEM))
                prepared |= await self._prepare(tx, list(own))
        if not prepared:
            return 0
        receipts = await self._deliver(prepared)
        async with self._database.write(Binding(PLATFORM_TENANT_ID, Scope.SYSTEM)) as tx:
            for tenant_id, own in groupby(claims, key=lambda claim: claim.tenant_id):
                await tx.rebind(Binding(tenant_id, Scope.SYSTEM))
                await record_results(
                    tx, [Result(claim.notification_id, claim.attempts, receipts[claim]) for claim in own]
                )
        return len(claims)

    async def _prepare(self, tx: TenantTransaction, claims: Sequence[Claim]) -> dict[Claim, Mail | Receipt]:
        """The mails, or why there is none."""
        ids = [claim.notification_id for claim in claims]
        found = await tx.execute(_READ, {"tenant_id": tx.tenant_id, "ids": ids})
        rows = {row.id: row for row in found}
        keys = await _person_keys(self._vault, tx, [row.contact_id for row in rows.values()])
        return {claim: self._write(tx, claim, rows[claim.notification_id], keys) for claim in claims}

    def _write(self, tx: ReadTransaction, claim: Claim, row: Row[Any], keys: dict[UUID, DataKey]) -> Mail | Receipt:
        key = keys.get(row.contact_id)
        if claim.attempts > MAX_ATTEMPTS:
            return Receipt(Outcome.PERMANENT, "interrupted")  # three senders died with it: nobody knows what was sent
        if row.expires_at is not None and row.expires_at <= tx.now:
            return Receipt(Outcome.PERMANENT, "expired")
        if row.email is None or key is None:
            return Receipt(Outcome.PERMANENT, "no address")
        try:
            address = key.decrypt(
                row.email, table="contacts", column="email", row_id=row.contact_id, tenant_id=tx.tenant_id
            )
            letter = self._letter(row, self._action_url(tx.tenant_id, row, key))
            return self._mail(letter, address, claim, tx.now)
        except (BadAddress, TemplateRefused, Undecipherable) as error:
            return Receipt(Outcome.PERMANENT, type(error).__name__)

    def _letter(self, row: Row[Any], action_url: str | None) -> Letter:
        return Letter(
            event_type=EventType(row.event_type),
            language=row.language,
            subject=row.subject,
            body=row.body,
            name=row.name,
            school=row.school,
            action_url=action_url,
        )

    def _mail(self, letter: Letter, address: str, claim: Claim, now: datetime) -> Mail:
        parts = lay_out(letter)
        return write_mail(
            sender=self._mail_from,
            recipient=address,
            name=letter.name,
            subject=letter.subject,
            text=parts.text,
            html=parts.html,
            message_id=str(claim.notification_id),
            sent_at=now,
        )

    def _action_url(self, tenant_id: UUID, row: Row[Any], key: DataKey) -> str | None:
        if row.event_type != EventType.USER_CREATED:
            return None
        secret = {}
        if row.sealed is not None:
            place = {"table": "notifications", "column": "sealed", "row_id": row.id, "tenant_id": tenant_id}
            secret = orjson.loads(key.decrypt(row.sealed, **place))
        if "token" not in secret:
            raise TemplateRefused("an invitation without its token")
        return invitation_url(self._public_url, secret["token"])

    async def _deliver(self, prepared: dict[Claim, Mail | Receipt]) -> dict[Claim, Receipt]:
        mails = {claim: mail for claim, mail in prepared.items() if isinstance(mail, Mail)}
        receipts = {claim: receipt for claim, receipt in prepared.items() if isinstance(receipt, Receipt)}
        try:
            answers = await self._mailer.deliver(list(mails.values())) if mails else ()
        except OSError as error:
            _log.warning("channel_failed", channel="EMAIL", error=error)
            answers = [Receipt(Outcome.TEMPORARY, type(error).__name__)] * len(mails)
        return receipts | dict(zip(mails, answers, strict=True))


async def _claim(tx: TenantTransaction, limit: int) -> list[Claim]:
    due = await tx.execute(_CLAIM, {"now": tx.now, "lease_end": tx.now + LEASE, "limit": limit})
    return sorted(Claim(row.tenant_id, row.notification_id, row.attempts) for row in due)


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
