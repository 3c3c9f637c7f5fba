"""Turning an invitation, or a registration, into an account with a password."""

from typing import Final
from uuid import UUID

from sqlalchemy import select

from libs.auth import Actor, Revocations, system_binding
from libs.db import Database, ReadTransaction, TenantTransaction
from libs.events.contracts.identity import UserActivated
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.model import OneTimeToken
from subgraphs.identity.credential.queries import PasswordHasher, check_new_password, take_token
from subgraphs.identity.credential.rules import InvalidToken, TokenPurpose, read_token
from subgraphs.identity.role.queries import roles_of
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.rules import TenantStatus, today_in
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contact, Contacts, raise_versions, tell_state
from subgraphs.identity.user.rules import UserStatus

_INVITING: Final = (TokenPurpose.INVITATION, TokenPurpose.REGISTRATION)


async def hash_first_password(
    database: Database, *, token: str, password: str, contacts: Contacts, hasher: PasswordHasher
) -> str:
    """The hash of the password that who was invited, or registered, chose; while it is made, no connection is held.

    Raises InvalidToken and WeakPassword.
    """
    tenant_id, hashed = read_token(token)
    async with database.read(system_binding(tenant_id)) as tx:
        _, user, contact = await _find_invited(tx, hashed, contacts)
        await check_new_password(tx, password, name=user.name, email=contact.email)
    return await hasher.hash(password)


async def accept_invitation(
    tx: TenantTransaction,
    *,
    token: str,
    password_hash: str,
    origin: Origin,
    contacts: Contacts,
    revocations: Revocations,
) -> Actor:
    """Sets the password of an invited account; answers who that is, allowed to read the own account and no more.

    Runs in the tenant the request named, or in the platform's when it named none: the token knows its own. Raises
    InvalidToken; of two acceptances of one token, one wins.
    """
    tenant_id, hashed = read_token(token)
    if tx.tenant_id not in (tenant_id, PLATFORM_TENANT_ID):
        raise InvalidToken
    async with tx.acting_in(tenant_id):
        # First the account, then its token: in the order of those who send another link, or take a registration back.
        tenant, user, contact = await _find_invited(tx, hashed, contacts, lock=True)
        await take_token(tx, hashed, *_INVITING)
        user.password_hash, user.status, user.email_verified_at = password_hash, UserStatus.ACTIVE.value, tx.now
        await tx.flush()
        versions = await raise_versions(tx, [user.id], revocations)
        roles = (await roles_of(tx, [user.id], today_in(tenant.timezone, tx.now)))[user.id]
        tell_state(tx, UserActivated, user, contact, roles)
        deed = Deed(action="user.activated", resource_type="user", resource_id=user.id)
        await record(tx, Doer(user.id, tenant_id, origin), deed)
        return themselves(user.id, tenant_id, versions[user.id], contact, tx.new_id())


async def _find_invited(
    tx: ReadTransaction, hashed: bytes, contacts: Contacts, *, lock: bool = False
) -> tuple[Tenant, User, Contact]:
    """Whom a good token invites, and where. Raises InvalidToken."""
    statement = (
        select(Tenant, User)
        .join(User, User.tenant_id == Tenant.id)
        .join(OneTimeToken, (OneTimeToken.tenant_id == User.tenant_id) & (OneTimeToken.user_id == User.id))
        .where(
            Tenant.id == tx.tenant_id,
            Tenant.status == TenantStatus.ACTIVE,
            User.status == UserStatus.INVITED,
            User.deleted_at.is_(None),
            OneTimeToken.token_hash == hashed,
            OneTimeToken.purpose.in_(_INVITING),
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > tx.now,
        )
    )
    row = (await tx.execute(statement.with_for_update(of=User) if lock else statement)).one_or_none()
    contact = await contacts.find(tx, row.User) if row is not None else None
    if row is None or contact is None:
        raise InvalidToken
    return row.Tenant, row.User, contact


def themselves(user_id: UUID, tenant_id: UUID, version: int, contact: Contact, session_id: UUID) -> Actor:
    """Somebody who is not signed in, allowed to read the own account and no more."""
    return Actor(
        user_id=user_id,
        tenant_id=tenant_id,
        home_tenant_id=tenant_id,
        roles=(),
        permissions=frozenset({"user:read_own"}),
        student_ids=(),
        session_id=session_id,
        version=version,
        email=contact.email,
    )
