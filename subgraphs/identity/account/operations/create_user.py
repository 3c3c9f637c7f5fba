"""An account with a first password, which its person has to change, and an address to verify."""

from collections.abc import Sequence
from uuid import UUID

from libs.auth import system_binding
from libs.db import Database, TenantTransaction
from libs.kernel import InvalidInput
from subgraphs.identity.account.operations.change import Change
from subgraphs.identity.credential.queries import PasswordHasher, check_new_password
from subgraphs.identity.registration.queries import ask_verification, make_way
from subgraphs.identity.role.queries import find_roles, permissions_of
from subgraphs.identity.role.rules import check_grant
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contact, NewAccount, create_accounts
from subgraphs.identity.user.rules import EmailTaken, new_account_faults


async def hash_given_password(
    database: Database, tenant_id: UUID, *, password: str, name: str, email: str, hasher: PasswordHasher
) -> str:
    """The hash of the password that an administrator chose; no connection is held meanwhile. Raises WeakPassword."""
    async with database.read(system_binding(tenant_id)) as tx:
        await check_new_password(tx, password, name=name, email=email)
    return await hasher.hash(password)


async def create_user(
    tx: TenantTransaction,
    *,
    name: str,
    email: str,
    phone: str | None,
    roles: Sequence[str],
    language: str,
    password_hash: str,
    change: Change,
) -> UUID:
    """Makes an account that may sign in and has to change its password first; its address is to be verified by mail.

    Answers its id. Raises InvalidInput, NotFound for an unknown role, Forbidden for roles that permit what the actor
    may not, and EmailTaken.
    """
    if faults := list(new_account_faults(roles=roles, language=language)):
        raise InvalidInput(faults)
    given = await find_roles(tx, roles)
    check_grant(change.actor.permissions, permissions_of(given))
    blind = change.contacts.blind(tx.tenant_id, email)
    await make_way(tx, [blind], contacts=change.contacts, doer=change.doer)
    account = NewAccount(
        id=tx.new_id(),
        name=name,
        contact=Contact(email, phone),
        roles=given,
        language=language,
        password_hash=password_hash,
        must_change_password=True,
    )
    async with tx.rejecting({"uq_users_tenant_id_email_blind": EmailTaken}):
        await create_accounts(tx, [account], contacts=change.contacts, doer=change.doer, since=change.today)
    await ask_verification(tx, await tx.get(User, account.id), email)
    return account.id
