"""Changing what an account says of its person."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from libs.db import TenantTransaction
from libs.events.contracts.identity import UserUpdated
from libs.kernel import Conflict, InvalidInput
from subgraphs.identity.account.operations.change import (
    Change,
    record_deed,
    today_of,
)
from subgraphs.identity.account.rules import edit_faults
from subgraphs.identity.credential.queries import void_tokens
from subgraphs.identity.registration.queries import ask_verification, make_way
from subgraphs.identity.role.queries import check_reach
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contact, invite_again, keep_words, lock_account, tell_state
from subgraphs.identity.user.rules import EmailTaken, UserStatus, language_faults


async def update_user(
    tx: TenantTransaction,
    *,
    user_id: UUID,
    changes: Mapping[str, Any],
    expected_version: int | None,
    change: Change,
) -> UUID:
    """Changes name, email, phone and language, those that `changes` holds; a phone of None is cleared.

    A changed address is unverified, mails to the old one open nothing any more, and the person is asked (or invited)
    at the new one. Nobody moves their own address: a stolen session could move it to where resets go. Raises
    InvalidInput, NotFound, Forbidden, Conflict, EmailTaken, and OwnAccount.
    """
    if "email" in changes:
        change.check_not_own(user_id)
    user = await lock_account(tx, user_id)
    if expected_version is not None and user.version != expected_version:
        raise Conflict(current_version=user.version)
    await check_reach(tx, change.actor, user.id, change.today)
    await apply_changes(tx, user, changes, change)
    return user_id


async def apply_changes(tx: TenantTransaction, user: User, changes: Mapping[str, Any], change: Change) -> None:
    """Writes and tells them; what is the same already is no change. Raises InvalidInput and EmailTaken."""
    if faults := [*edit_faults(changes), *language_faults(changes.get("language"))]:
        raise InvalidInput(faults)
    before = await change.contacts.get(tx, user)
    contact = Contact(changes.get("email", before.email), changes.get("phone", before.phone))
    old = {name: getattr(user, name) for name in ("name", "language") if name in changes}
    old = {name: value for name, value in old.items() if changes[name] != value}
    plain = {name: changes[name] for name in old}
    if not plain and contact == before:
        return
    columns = {} if contact == before else (await change.contacts.seal(tx, {user.id: contact}))[user.id]
    if columns and columns["email_blind"] != user.email_blind:
        await make_way(tx, [columns["email_blind"]], contacts=change.contacts, doer=change.doer)
    is_moved = await _write(tx, user, plain | columns)
    roles = await today_of(tx, user, change.today)
    tell_state(tx, UserUpdated, user, contact, roles)
    hidden = {name: "***" for name in ("email", "phone") if getattr(contact, name) != getattr(before, name)}
    await record_deed(tx, change.doer, "user.updated", user, old=old | hidden, new=plain | hidden)
    if not is_moved:
        return
    await void_tokens(tx, user.id)
    if user.password_hash is not None and user.status != UserStatus.INACTIVE:
        await ask_verification(tx, user, contact.email)
    elif user.status == UserStatus.INVITED:
        await invite_again(tx, user, contact, roles)


async def _write(tx: TenantTransaction, user: User, columns: Mapping[str, Any]) -> bool:
    """Answers whether the person is at another address now."""
    was_at = user.email_blind
    async with tx.rejecting({"uq_users_tenant_id_email_blind": EmailTaken}):
        for name, value in columns.items():
            setattr(user, name, value)
        user.version += 1
        if user.email_blind != was_at:
            user.email_verified_at = None
    if "name" in columns:
        await keep_words(tx, user)
    return user.email_blind != was_at
