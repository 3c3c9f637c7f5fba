"""Opening an account that had too many failures: by the mailed link, or by somebody of the school."""

from datetime import date
from uuid import UUID

from sqlalchemy import select

from libs.auth import Actor
from libs.db import TenantTransaction
from libs.events.contracts.identity import UserUnlocked
from libs.kernel import NotFound
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.queries import take_token, tokens_since
from subgraphs.identity.credential.rules import InvalidToken, TokenPurpose, read_token
from subgraphs.identity.lockout.model import AccountFailure
from subgraphs.identity.lockout.queries import forget_failures, mail_unlock
from subgraphs.identity.lockout.rules import LINK_PAUSE
from subgraphs.identity.role.queries import check_reach
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.rules import TenantStatus
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contacts
from subgraphs.identity.user.rules import UserStatus


async def request_unlock(tx: TenantTransaction, *, email: str, origin: Origin, contacts: Contacts) -> None:
    """Sends a new link to the address of a locked account; to any other, and within five minutes, nothing.

    The time it takes tells whether there is such an account: nobody who is not signed in may wait for it.
    """
    is_locked = select(AccountFailure.id).where(
        AccountFailure.tenant_id == User.tenant_id,
        AccountFailure.email_blind == User.email_blind,
        AccountFailure.locked_at.is_not(None),
    )
    user = await tx.scalar(
        select(User)
        .where(
            User.tenant_id == tx.tenant_id,
            User.email_blind == contacts.blind(tx.tenant_id, email),
            User.status == UserStatus.ACTIVE,
            User.deleted_at.is_(None),
            is_locked.exists(),
        )
        .with_for_update(key_share=True)  # who asks twice at once gets one mail
    )
    if user is None or await tokens_since(tx, user.id, TokenPurpose.UNLOCK, tx.now - LINK_PAUSE):
        return
    await mail_unlock(tx, user, contacts)
    deed = Deed(action="user.unlock_requested", resource_type="user", resource_id=user.id)
    await record(tx, Doer(None, tx.tenant_id, origin), deed)


async def unlock_by_link(tx: TenantTransaction, *, token: str, origin: Origin) -> None:
    """Opens the account that a mailed link is about, from the platform's transaction: a link names no school.

    Raises InvalidToken; the link is good once.
    """
    tenant_id, hashed = read_token(token)
    async with tx.acting_in(tenant_id):
        tenant = await tx.session.get(Tenant, tenant_id)
        if tenant is None or tenant.status != TenantStatus.ACTIVE:
            raise InvalidToken
        user = await tx.get(User, await take_token(tx, hashed, TokenPurpose.UNLOCK))
        if user.deleted_at is not None:
            raise InvalidToken
        await _unlock(tx, user, Doer(user.id, tenant_id, origin))


async def unlock_user(tx: TenantTransaction, *, user_id: UUID, actor: Actor, today: date, origin: Origin) -> None:
    """Opens an account of the school, wherever it failed too often; one that is open stays so.

    Raises NotFound, and Forbidden for an account that may do what the actor may not: it could be guessed at for ever.
    """
    user = await tx.get(User, user_id)
    if user.deleted_at is not None:
        raise NotFound
    await check_reach(tx, actor, user_id, today)
    await _unlock(tx, user, Doer.of(actor, origin))


async def _unlock(tx: TenantTransaction, user: User, doer: Doer) -> None:
    await forget_failures(tx, user.email_blind)
    tx.emit(UserUnlocked(user_id=user.id))
    await record(tx, doer, Deed(action="user.unlocked", resource_type="user", resource_id=user.id))
