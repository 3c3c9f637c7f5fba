"""Deleting an account, and taking that back."""

from uuid import UUID

from libs.db import TenantTransaction
from libs.events.contracts.identity import UserDeleted, UserRestored
from subgraphs.identity.account.operations.change import (
    Change,
    record_deed,
    shut_out,
    today_of,
)
from subgraphs.identity.registration.queries import make_way
from subgraphs.identity.role.queries import check_reach, keeping_an_administrator
from subgraphs.identity.user.queries import invite_again, lock_account, raise_versions, tell_state
from subgraphs.identity.user.rules import EmailTaken, UserStatus


async def delete_user(tx: TenantTransaction, *, user_id: UUID, change: Change) -> UUID:
    """Ends an account with its sessions and mails; its address is free again. The row stays, for `restore_user`.

    Raises OwnAccount, NotFound, Forbidden, LastAdministrator.
    """
    change.check_not_own(user_id)
    user = await lock_account(tx, user_id)
    await check_reach(tx, change.actor, user.id, change.today)
    async with keeping_an_administrator(tx, change.today):
        user.deleted_at = tx.now
        user.version += 1
    await shut_out(tx, user, change)
    tx.emit(UserDeleted(user_id=user.id))
    await record_deed(tx, change.doer, "user.deleted", user, old={"status": user.status})
    return user_id


async def restore_user(tx: TenantTransaction, *, user_id: UUID, change: Change) -> UUID:
    """Takes a deletion back: the account stands where it stood, and who has no password is invited again.

    Raises NotFound for one that is not deleted, Forbidden, and EmailTaken when somebody has the address now.
    """
    user = await lock_account(tx, user_id, deleted=True)
    await check_reach(tx, change.actor, user.id, change.today)
    contact = await change.contacts.get(tx, user)
    await make_way(tx, [user.email_blind], contacts=change.contacts, doer=change.doer)
    async with tx.rejecting({"uq_users_tenant_id_email_blind": EmailTaken}):
        user.deleted_at = None
        user.version += 1
    await raise_versions(tx, [user.id], change.revocations)
    roles = await today_of(tx, user, change.today)
    tell_state(tx, UserRestored, user, contact, roles)
    if user.status == UserStatus.INVITED:
        await invite_again(tx, user, contact, roles)
    await record_deed(tx, change.doer, "user.restored", user, new={"status": user.status})
    return user_id
