"""Showing that an address is one's own: by a token that came there."""

from sqlalchemy import select

from libs.auth import Revocations
from libs.db import TenantTransaction
from libs.events.contracts.identity import UserActivated, UserUpdated
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.model import OneTimeToken
from subgraphs.identity.credential.queries import answer_evenly, has_had_enough, take_token
from subgraphs.identity.credential.rules import InvalidToken, TokenPurpose, read_token
from subgraphs.identity.role.queries import roles_of
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.rules import TenantStatus, today_in
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contacts, ask_verification, raise_versions, tell_state
from subgraphs.identity.user.rules import UserStatus


async def verify_email(
    tx: TenantTransaction, *, token: str, origin: Origin, contacts: Contacts, revocations: Revocations
) -> UserStatus:
    """Notes that the address is the person's; a registration becomes an active account. Answers where it stands.

    Runs in the tenant the request named, or in the platform's when it named none: the token knows its own. Raises
    InvalidToken; of two who come with one token, one wins.
    """
    tenant_id, hashed = read_token(token)
    if tx.tenant_id not in (tenant_id, PLATFORM_TENANT_ID):
        raise InvalidToken
    async with tx.acting_in(tenant_id):
        tenant, user = await _find(tx, hashed)
        await take_token(tx, hashed, TokenPurpose.VERIFICATION)
        is_registration = user.status == UserStatus.INVITED
        user.email_verified_at, user.status = tx.now, UserStatus.ACTIVE.value
        await tx.flush()
        if is_registration:
            await raise_versions(tx, [user.id], revocations)
        contact = await contacts.find(tx, user)
        if contact is None:  # erased
            raise InvalidToken
        roles = (await roles_of(tx, [user.id], today_in(tenant.timezone, tx.now)))[user.id]
        tell_state(tx, UserActivated if is_registration else UserUpdated, user, contact, roles)
        action = "user.activated" if is_registration else "user.email_verified"
        await record(
            tx, Doer(user.id, tenant_id, origin), Deed(action=action, resource_type="user", resource_id=user.id)
        )
        return UserStatus(user.status)


async def _find(tx: TenantTransaction, hashed: bytes) -> tuple[Tenant, User]:
    """Whose a good token is, locked: the account first, then its token, as those lock who issue one.

    Raises InvalidToken.
    """
    whose = select(OneTimeToken.user_id).where(
        OneTimeToken.tenant_id == tx.tenant_id,
        OneTimeToken.token_hash == hashed,
        OneTimeToken.purpose == TokenPurpose.VERIFICATION,
    )
    statement = (
        select(Tenant, User)
        .join(User, User.tenant_id == Tenant.id)
        .where(
            Tenant.id == tx.tenant_id,
            Tenant.status == TenantStatus.ACTIVE,
            User.id == whose.scalar_subquery(),
            User.status != UserStatus.INACTIVE,
            User.password_hash.is_not(None),
            User.deleted_at.is_(None),
        )
        .with_for_update(of=User)
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise InvalidToken
    return row.Tenant, row.User


async def resend_verification(tx: TenantTransaction, *, email: str, contacts: Contacts) -> None:
    """Mails the account with that address another link, if there is one to verify; the earlier link is void.

    Neither the answer nor its time tells whether there is one. An account gets three mails in an hour at most.
    """
    answer_evenly(tx)
    unverified = select(User).join(Tenant, Tenant.id == User.tenant_id)
    user = await tx.scalar(
        unverified.where(
            User.tenant_id == tx.tenant_id,
            User.email_blind == contacts.blind(tx.tenant_id, email),
            User.email_verified_at.is_(None),
            User.status != UserStatus.INACTIVE,
            User.password_hash.is_not(None),
            User.deleted_at.is_(None),
            Tenant.status == TenantStatus.ACTIVE,
        ).with_for_update(of=User, key_share=True)  # two who ask at once leave one living link
    )
    if user is None or await has_had_enough(tx, user.id, TokenPurpose.VERIFICATION):
        return
    contact = await contacts.find(tx, user)
    if contact is not None:  # else erased
        await ask_verification(tx, user, contact.email)
