"""Another link for who has not shown yet that an address is theirs."""

from sqlalchemy import select

from libs.db import TenantTransaction
from subgraphs.identity.credential.queries import answer_evenly, has_had_enough
from subgraphs.identity.credential.rules import TokenPurpose
from subgraphs.identity.registration.queries import ask_registrant, ask_verification, is_pending
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.rules import TenantStatus
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contacts
from subgraphs.identity.user.rules import UserStatus


async def resend_verification(tx: TenantTransaction, *, email: str, contacts: Contacts) -> None:
    """Mails another link to an account with an unverified address, or to who registered; the earlier link is void.

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
            User.deleted_at.is_(None),
            Tenant.status == TenantStatus.ACTIVE,
        ).with_for_update(of=User, key_share=True)  # two who ask at once leave one living link
    )
    if user is None:
        return
    contact = await contacts.find(tx, user)
    purpose = await _purpose(tx, user)
    if contact is None or purpose is None or await has_had_enough(tx, user.id, purpose):  # erased, invited, or flooded
        return
    ask = ask_registrant if purpose is TokenPurpose.REGISTRATION else ask_verification
    await ask(tx, user, contact.email)


async def _purpose(tx: TenantTransaction, user: User) -> TokenPurpose | None:
    """What a link of this locked account is for; None for who waits for an invitation, which the school alone sends."""
    if user.status == UserStatus.ACTIVE:
        return TokenPurpose.VERIFICATION
    is_registration = select(User.id).where(User.tenant_id == tx.tenant_id, User.id == user.id, is_pending())
    return TokenPurpose.REGISTRATION if await tx.scalar(is_registration) else None
