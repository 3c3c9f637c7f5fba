"""A forgotten password: a link by mail, and a new password for whoever holds it."""

from sqlalchemy import select

from libs.auth import Actor, Revocations, system_binding
from libs.db import Database, ReadTransaction, TenantTransaction
from libs.events.contracts.identity import PasswordResetRequested
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.model import OneTimeToken
from subgraphs.identity.credential.operations.accept_invitation import themselves
from subgraphs.identity.credential.operations.set_password import hash_unused, hashes_of, set_password
from subgraphs.identity.credential.queries import (
    PasswordHasher,
    answer_evenly,
    check_new_password,
    has_had_enough,
    mail_link,
    take_token,
)
from subgraphs.identity.credential.rules import InvalidToken, TokenPurpose, read_token
from subgraphs.identity.lockout.queries import forget_failures
from subgraphs.identity.session.queries import end_sessions
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.rules import TenantStatus
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contact, Contacts
from subgraphs.identity.user.rules import UserStatus


async def request_password_reset(tx: TenantTransaction, *, email: str, origin: Origin, contacts: Contacts) -> None:
    """Mails a link to the active account with that address, if there is one; an earlier link is void.

    Neither the answer nor its time tells whether there is one. An account gets three mails in an hour at most.
    """
    answer_evenly(tx)
    active = select(User).join(Tenant, Tenant.id == User.tenant_id)
    user = await tx.scalar(
        active.where(
            User.tenant_id == tx.tenant_id,
            User.email_blind == contacts.blind(tx.tenant_id, email),
            User.status == UserStatus.ACTIVE,
            User.deleted_at.is_(None),
            Tenant.status == TenantStatus.ACTIVE,
        ).with_for_update(of=User, key_share=True)  # two who ask at once leave one living link
    )
    if user is None or await has_had_enough(tx, user.id, TokenPurpose.PASSWORD_RESET):
        return
    contact = await contacts.find(tx, user)
    if contact is None:  # erased
        return
    await mail_link(tx, user, contact.personal(user.name), TokenPurpose.PASSWORD_RESET, PasswordResetRequested)
    deed = Deed(action="user.password_reset_requested", resource_type="user", resource_id=user.id)
    await record(tx, Doer(None, tx.tenant_id, origin), deed)


async def hash_reset_password(
    database: Database, *, token: str, password: str, contacts: Contacts, hasher: PasswordHasher
) -> str:
    """The hash of the password that the holder of a link chose; while it is made, no connection is held.

    Raises InvalidToken and WeakPassword.
    """
    tenant_id, hashed = read_token(token)
    async with database.read(system_binding(tenant_id)) as tx:
        user, contact = await _find(tx, hashed, contacts)
        await check_new_password(tx, password, name=user.name, email=contact.email)
        hashes = await hashes_of(tx, user)
    return await hash_unused(password, hashes, hasher)


async def reset_password(
    tx: TenantTransaction,
    *,
    token: str,
    password_hash: str,
    origin: Origin,
    contacts: Contacts,
    revocations: Revocations,
) -> Actor:
    """Sets the new password, ends every session, unlocks the account; answers who that is, like an acceptance.

    The link came by mail: the address is the person's. Raises InvalidToken; of two who come with one link, one wins.
    """
    tenant_id, hashed = read_token(token)
    if tx.tenant_id not in (tenant_id, PLATFORM_TENANT_ID):
        raise InvalidToken
    async with tx.acting_in(tenant_id):
        user, contact = await _find(tx, hashed, contacts)
        # First the account, then its token: in the order of those who ask for another link. Read anew: another link
        # may have changed the password meanwhile.
        await tx.session.refresh(user, with_for_update=True)
        await take_token(tx, hashed, TokenPurpose.PASSWORD_RESET)
        user.email_verified_at = user.email_verified_at or tx.now
        doer = Doer(user.id, tenant_id, origin)
        await set_password(tx, user, password_hash, contact=contact, doer=doer, revocations=revocations)
        await end_sessions(tx, user.id, reason="PASSWORD", revocations=revocations)
        await forget_failures(tx, user.email_blind)
        return themselves(user.id, tenant_id, user.ver, contact, tx.new_id())


async def _find(tx: ReadTransaction, hashed: bytes, contacts: Contacts) -> tuple[User, Contact]:
    """Whose a good token is. Raises InvalidToken."""
    statement = (
        select(User)
        .join(Tenant, Tenant.id == User.tenant_id)
        .join(OneTimeToken, (OneTimeToken.tenant_id == User.tenant_id) & (OneTimeToken.user_id == User.id))
        .where(
            User.tenant_id == tx.tenant_id,
            Tenant.status == TenantStatus.ACTIVE,
            User.status == UserStatus.ACTIVE,
            User.deleted_at.is_(None),
            OneTimeToken.token_hash == hashed,
            OneTimeToken.purpose == TokenPurpose.PASSWORD_RESET,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > tx.now,
        )
    )
    user = await tx.scalar(statement)
    contact = await contacts.find(tx, user) if user is not None else None
    if user is None or contact is None:
        raise InvalidToken
    return user, contact
