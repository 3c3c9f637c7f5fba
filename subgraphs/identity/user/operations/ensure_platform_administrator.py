"""The first account of all."""

from sqlalchemy import select

from libs.db import TenantTransaction
from subgraphs.identity.audit.queries import NOBODY
from subgraphs.identity.credential.queries import PasswordHasher
from subgraphs.identity.role.queries import system_role
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contact, Contacts, NewAccount, create_accounts


async def ensure_platform_administrator(
    tx: TenantTransaction, *, email: str, password: str, contacts: Contacts, hasher: PasswordHasher
) -> bool:
    """Makes an active super_admin with that address in the platform's tenant; says whether it made one.

    An account that has the address stays as it is, its password included.
    """
    blind = contacts.blind(tx.tenant_id, email)
    taken = select(User.id).where(User.tenant_id == tx.tenant_id, User.email_blind == blind, User.deleted_at.is_(None))
    if await tx.scalar(taken) is not None:
        return False
    account = NewAccount(
        id=tx.new_id(),
        name="Platform administrator",
        contact=Contact(email),
        roles=[system_role("super_admin")],
        password_hash=await hasher.hash(password),
    )
    await create_accounts(tx, [account], contacts=contacts, doer=NOBODY, since=tx.now.date())
    return True
