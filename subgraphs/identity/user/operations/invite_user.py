"""Inviting one person to an account."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from libs.auth import Actor
from libs.db import TenantTransaction
from libs.kernel import InvalidInput
from subgraphs.identity.audit.queries import Doer, Origin
from subgraphs.identity.registration.queries import make_way
from subgraphs.identity.role.queries import find_roles, permissions_of
from subgraphs.identity.role.rules import check_grant
from subgraphs.identity.user.queries import Contact, Contacts, NewAccount, create_accounts
from subgraphs.identity.user.rules import EmailTaken, new_account_faults


async def invite_user(
    tx: TenantTransaction,
    *,
    actor: Actor,
    name: str,
    contact: Contact,
    roles: Sequence[str],
    language: str,
    today: date,
    contacts: Contacts,
    origin: Origin,
) -> UUID:
    """Makes an invited account and the invitation that leads to it; answers its id.

    Raises InvalidInput, NotFound for an unknown role, Forbidden for roles that permit what the actor may not, and
    EmailTaken.
    """
    if faults := list(new_account_faults(roles=roles, language=language)):
        raise InvalidInput(faults)
    given = await find_roles(tx, roles)
    check_grant(actor.permissions, permissions_of(given))
    doer = Doer.of(actor, origin)
    await make_way(tx, [contacts.blind(tx.tenant_id, contact.email)], contacts=contacts, doer=doer)
    account = NewAccount(id=tx.new_id(), name=name, contact=contact, roles=given, language=language)
    async with tx.rejecting({"uq_users_tenant_id_email_blind": EmailTaken}):
        await create_accounts(tx, [account], contacts=contacts, doer=doer, since=today)
    return account.id
