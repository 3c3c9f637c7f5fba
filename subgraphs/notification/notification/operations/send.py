"""Sending: claim in one transaction, deliver outside of any, record in another.

A claim counts the attempt and hides the message for the length of a lease, so that two senders never hold the same
one. What a sender does not live to record is sent again when the lease is over. What a suspended school has to say
waits until it is resumed; what expires meanwhile is not sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy import text

from libs.crypto import Undecipherable, Vault
from libs.db import Database, ReadTransaction, TenantTransaction
from libs.kernel import PLATFORM_TENANT_ID, Binding, Scope
from libs.telemetry import get_logger
from subgraphs.notification.channel.rules import BadAddress, Mail, Mailer, Outcome, Receipt, write_mail
from subgraphs.notification.notification.operations.letters import Due, open_due
from subgraphs.notification.notification.operations.record import Result, record_results
from subgraphs.notification.notification.rules import LEASE, MAX_ATTEMPTS
from subgraphs.notification.template.queries import Letter, lay_out
from subgraphs.notification.template.rules import TemplateRefused

BATCH = 100

_CLAIM = text(
    """
    update notification.deliveries as d set attempts = d.attempts + 1, due_at = :lease_end
    from (
      select tenant_id, notification_id from notification.deliveries as waiting
      where due_at <= :now and not exists (
        select from notification.tenants as t where t.tenant_id = waiting.tenant_id and t.status = 'SUSPENDED'
      ) order by due_at limit :limit for update skip locked
    ) as due
    where d.tenant_id = due.tenant_id and d.notification_id = due.notification_id
    returning d.tenant_id, d.notification_id, d.attempts
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
            for tenant_id, own in groupby(prepared, key=lambda claim: claim.tenant_id):
                await tx.rebind(Binding(tenant_id, Scope.SYSTEM))
                await record_results(
                    tx, [Result(claim.notification_id, claim.attempts, receipts[claim]) for claim in own]
                )
        return len(prepared)

    async def _prepare(self, tx: TenantTransaction, claims: Sequence[Claim]) -> dict[Claim, Mail | Receipt]:
        """The mails, or why there is none; nothing for a message that was cancelled."""
        due = await open_due(tx, self._vault, [claim.notification_id for claim in claims])
        return {
            claim: self._write(tx, claim, due[claim.notification_id])
            for claim in claims
            if claim.notification_id in due
        }

    def _write(self, tx: ReadTransaction, claim: Claim, due: Due) -> Mail | Receipt:
        if claim.attempts > MAX_ATTEMPTS:
            return Receipt(Outcome.PERMANENT, "interrupted")  # three senders died with it: nobody knows what was sent
        if due.row.expires_at is not None and due.row.expires_at <= tx.now:
            return Receipt(Outcome.PERMANENT, "expired")
        try:
            address = due.address(tx.tenant_id)
            if address is None:
                return Receipt(Outcome.PERMANENT, "no address")
            return self._mail(due.letter(tx.tenant_id, self._public_url), address, claim, tx.now)
        except (BadAddress, TemplateRefused, Undecipherable) as error:
            return Receipt(Outcome.PERMANENT, type(error).__name__)

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
