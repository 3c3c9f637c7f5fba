"""One account as operations change it: within the actor's reach, shut out, and told of afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from libs.auth import Actor, Revocations
from libs.db import ReadTransaction, TenantTransaction
from subgraphs.identity.account.rules import OwnAccount
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.queries import void_tokens
from subgraphs.identity.role.queries import RoleState, roles_of
from subgraphs.identity.session.queries import end_sessions
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contacts, raise_versions


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes accounts, on which day of the school, and what that takes."""

    actor: Actor
    origin: Origin
    today: date
    contacts: Contacts
    revocations: Revocations

    @property
    def doer(self) -> Doer:
        """As the audit log names them."""
        return Doer.of(self.actor, self.origin)

    def check_not_own(self, user_id: UUID) -> None:
        """Raises OwnAccount."""
        if user_id == self.actor.user_id:
            raise OwnAccount


async def today_of(tx: ReadTransaction, user: User, today: date) -> Sequence[RoleState]:
    """The roles an account holds today."""
    return (await roles_of(tx, [user.id], today))[user.id]


async def shut_out(tx: TenantTransaction, user: User, change: Change) -> None:
    """Voids everything that opens an account: access tokens, sessions, and mails."""
    await tx.flush()
    await raise_versions(tx, [user.id], change.revocations)
    await end_sessions(tx, user.id, reason="STATUS", revocations=change.revocations)
    await void_tokens(tx, user.id)


async def record_deed(
    tx: TenantTransaction,
    doer: Doer,
    action: str,
    user: User,
    *,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
) -> None:
    """Writes what was done to an account, without addresses."""
    deed = Deed(action=action, resource_type="user", resource_id=user.id, old_values=old, new_values=new)
    await record(tx, doer, deed)
