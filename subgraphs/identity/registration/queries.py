"""Registrations that nobody completed: which they are, how they are taken back; links for addresses not yet shown."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, LargeBinary, and_, any_, delete, literal, select

from libs.db import TenantTransaction
from libs.events.contracts.identity import EmailVerificationRequested, UserDeleted, UserRegistered
from subgraphs.identity.audit.queries import Deed, Doer, record
from subgraphs.identity.credential.model import OneTimeToken
from subgraphs.identity.credential.queries import mail_link
from subgraphs.identity.credential.rules import TokenPurpose
from subgraphs.identity.registration.rules import Removal
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contacts
from subgraphs.identity.user.rules import UserStatus


def is_pending() -> ColumnElement[bool]:
    """Whether an account is a registration that nobody completed; one that the school invited has no such token."""
    token = select(OneTimeToken.id).where(
        OneTimeToken.tenant_id == User.tenant_id,
        OneTimeToken.user_id == User.id,
        OneTimeToken.purpose == TokenPurpose.REGISTRATION,
    )
    return and_(User.status == UserStatus.INVITED, User.deleted_at.is_(None), token.exists())


async def make_way(tx: TenantTransaction, blinds: Collection[bytes], *, contacts: Contacts, doer: Doer) -> list[UUID]:
    """Takes pending registrations of these addresses back before the school gives them accounts; answers which.

    A stranger may have registered: neither the name nor anything else that was said then may become the person's.
    """
    which = User.email_blind == any_(literal(list(blinds), ARRAY(LargeBinary)))
    return await remove_registrations(tx, which, reason=Removal.ADDED_BY_SCHOOL, contacts=contacts, doer=doer)


async def remove_registrations(
    tx: TenantTransaction, which: ColumnElement[bool], *, reason: Removal, contacts: Contacts, doer: Doer
) -> list[UUID]:
    """Deletes those of the school's pending registrations for good, with contacts, hats and links; answers which."""
    meant = (User.tenant_id == tx.tenant_id, is_pending(), which)
    found = list(await tx.scalars(select(User.id).where(*meant).order_by(User.id).with_for_update()))
    if not found:
        return []
    # Looked at again, under their locks: whoever held one may have completed it, or have got another link.
    gone = delete(User).where(*meant, User.id.in_(found)).returning(User.id)
    removed = list((await tx.execute(gone.execution_options(synchronize_session=False))).scalars())
    await contacts.shred(tx, removed)
    for user_id in removed:
        tx.emit(UserDeleted(user_id=user_id))
    if removed:
        await record(tx, doer, *(_deleted(user_id, reason) for user_id in removed))
    return removed


def _deleted(user_id: UUID, reason: Removal) -> Deed:
    return Deed(
        action="user.deleted",
        resource_type="user",
        resource_id=user_id,
        old_values={"status": UserStatus.INVITED.value},
        new_values={"reason": reason.value},
    )


async def ask_verification(tx: TenantTransaction, user: User, email: str) -> None:
    """Asks the person to show that an address is theirs; what was asked before is void."""
    personal = {"name": user.name, "email": email}
    await mail_link(tx, user, personal, TokenPurpose.VERIFICATION, EmailVerificationRequested)


async def ask_registrant(tx: TenantTransaction, user: User, email: str) -> None:
    """Asks who registered to choose a password; what was asked before is void."""
    personal = {"name": user.name, "email": email}
    await mail_link(tx, user, personal, TokenPurpose.REGISTRATION, UserRegistered)
