"""Showing that an address is one's own: by a token that came there."""

from sqlalchemy import select

from libs.db import TenantTransaction
from libs.events.contracts.identity import UserUpdated
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.model import OneTimeToken
from subgraphs.identity.credential.queries import take_token
from subgraphs.identity.credential.rules import InvalidToken, TokenPurpose, read_token
from subgraphs.identity.role.queries import roles_of
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.rules import TenantStatus, today_in
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contacts, tell_state
from subgraphs.identity.user.rules import UserStatus


async def verify_email(tx: TenantTransaction, *, token: str, origin: Origin, contacts: Contacts) -> None:
    """Notes that the address of an active account is its person's.

    Runs in the tenant the request named, or in the platform's when it named none: the token knows its own. Raises
    InvalidToken; of two who come with one token, one wins.
    """
    tenant_id, hashed = read_token(token)
    if tx.tenant_id not in (tenant_id, PLATFORM_TENANT_ID):
        raise InvalidToken
    async with tx.acting_in(tenant_id):
        tenant, user = await _find(tx, hashed)
        await take_token(tx, hashed, TokenPurpose.VERIFICATION)
        user.email_verified_at = tx.now
        await tx.flush()
        contact = await contacts.find(tx, user)
        if contact is None:  # erased
            raise InvalidToken
        roles = (await roles_of(tx, [user.id], today_in(tenant.timezone, tx.now)))[user.id]
        tell_state(tx, UserUpdated, user, contact, roles)
        deed = Deed(action="user.email_verified", resource_type="user", resource_id=user.id)
        await record(tx, Doer(user.id, tenant_id, origin), deed)


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
            User.status == UserStatus.ACTIVE,
            User.deleted_at.is_(None),
        )
        .with_for_update(of=User)
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None:
        raise InvalidToken
    return row.Tenant, row.User
