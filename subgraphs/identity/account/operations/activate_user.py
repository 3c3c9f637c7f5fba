"""Keeping an account out, and letting it in again."""

from uuid import UUID

from libs.db import TenantTransaction
from libs.events.contracts.identity import UserActivated, UserDeactivated, UserUpdated
from subgraphs.identity.account.operations.change import (
    Change,
    record_deed,
    shut_out,
    today_of,
)
from subgraphs.identity.role.queries import check_reach, keeping_an_administrator
from subgraphs.identity.user.queries import invite_again, lock_account, raise_versions, tell_state
from subgraphs.identity.user.rules import UserStatus


async def deactivate_user(tx: TenantTransaction, *, user_id: UUID, change: Change) -> UUID:
    """Keeps an account out until it is activated, and ends all its sessions; doing it twice changes nothing.

    Raises OwnAccount, NotFound, Forbidden, LastAdministrator.
    """
    change.check_not_own(user_id)
    user = await lock_account(tx, user_id)
    await check_reach(tx, change.actor, user.id, change.today)
    if user.status == UserStatus.INACTIVE:
        return user_id
    contact, before = await change.contacts.get(tx, user), user.status
    await shut_out(tx, user, change)
    async with keeping_an_administrator(tx, change.today):
        user.status = UserStatus.INACTIVE.value
        user.version += 1
    tell_state(tx, UserDeactivated, user, contact, await today_of(tx, user, change.today))
    await record_deed(tx, change.doer, "user.deactivated", user, old={"status": before}, new={"status": user.status})
    return user_id


async def activate_user(tx: TenantTransaction, *, user_id: UUID, change: Change) -> UUID:
    """Lets an account in again; one that never had a password is invited again. What is not out stays as it is.

    Raises NotFound and Forbidden.
    """
    user = await lock_account(tx, user_id)
    await check_reach(tx, change.actor, user.id, change.today)
    if user.status != UserStatus.INACTIVE:
        return user_id
    contact, roles = await change.contacts.get(tx, user), await today_of(tx, user, change.today)
    is_known = user.password_hash is not None
    user.status = (UserStatus.ACTIVE if is_known else UserStatus.INVITED).value
    user.version += 1
    await tx.flush()
    await raise_versions(tx, [user.id], change.revocations)
    tell_state(tx, UserActivated if is_known else UserUpdated, user, contact, roles)
    if not is_known:
        await invite_again(tx, user, contact, roles)
    new = {"status": user.status}
    await record_deed(tx, change.doer, "user.activated", user, old={"status": UserStatus.INACTIVE.value}, new=new)
    return user_id
