"""Registering without an invitation, where the school lets people."""

from datetime import date

from sqlalchemy import select

from libs.db import ReadTransaction, TenantTransaction
from libs.events.contracts.identity import RegistrationRepeated, UserUpdated
from libs.kernel import InvalidInput
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.queries import answer_evenly, has_had_enough
from subgraphs.identity.credential.rules import TokenPurpose
from subgraphs.identity.registration.queries import ask_registrant, is_pending
from subgraphs.identity.registration.rules import RegistrationClosed
from subgraphs.identity.role.queries import RoleState, roles_of, system_role
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.rules import TenantStatus, today_in
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import (
    Contact,
    Contacts,
    NewAccount,
    create_accounts,
    keep_words,
    tell_state,
)
from subgraphs.identity.user.rules import EmailTaken, language_faults


async def register_user(
    tx: TenantTransaction,
    *,
    name: str,
    email: str,
    phone: str | None,
    language: str,
    origin: Origin,
    contacts: Contacts,
) -> None:
    """Makes an account whose password is chosen by whoever reads the mail; where the address has one, the mail says so.

    Registering again before that counts instead of the time before. Neither the answer nor its time tells what was
    found. Raises InvalidInput and RegistrationClosed.
    """
    answer_evenly(tx)
    if faults := list(language_faults(language)):
        raise InvalidInput(faults)
    tenant, role = await _registering(tx)
    account = NewAccount(
        id=tx.new_id(),
        name=name,
        contact=Contact(email, phone),
        roles=[role],
        language=language,
        is_registration=True,
    )
    doer = Doer(None, tx.tenant_id, origin)
    since = today_in(tenant.timezone, tx.now)
    try:
        async with tx.rejecting({"uq_users_tenant_id_email_blind": EmailTaken}):
            await create_accounts(tx, [account], contacts=contacts, doer=doer, since=since)
    except EmailTaken:
        await _tell_holder(tx, account, contacts=contacts, doer=doer, today=since)


async def _registering(tx: ReadTransaction) -> tuple[Tenant, RoleState]:
    """The school and what people become there. Raises RegistrationClosed."""
    tenant = await tx.session.get(Tenant, tx.tenant_id)
    if tenant is None or tenant.status != TenantStatus.ACTIVE or tenant.registration_role is None:
        raise RegistrationClosed
    return tenant, system_role(tenant.registration_role)


async def _tell_holder(tx: TenantTransaction, new: NewAccount, *, contacts: Contacts, doer: Doer, today: date) -> None:
    its = (User.tenant_id == tx.tenant_id, User.email_blind == contacts.blind(tx.tenant_id, new.contact.email))
    holder = await tx.scalar(select(User).where(*its, User.deleted_at.is_(None)).with_for_update(key_share=True))
    contact = await contacts.find(tx, holder) if holder is not None else None
    if holder is None or contact is None:  # deleted or erased this very moment
        return
    if not await tx.scalar(select(User.id).where(*its, User.id == holder.id, is_pending())):
        personal = {"name": holder.name, "email": contact.email}
        tx.emit(RegistrationRepeated(user_id=holder.id, language=holder.language, personal=personal))
    elif not await has_had_enough(tx, holder.id, TokenPurpose.REGISTRATION):
        await _register_again(tx, holder, new, contacts=contacts, doer=doer, today=today)


async def _register_again(
    tx: TenantTransaction, user: User, new: NewAccount, *, contacts: Contacts, doer: Doer, today: date
) -> None:
    """What was said last counts, and comes with a link of its own: nobody completes what somebody else said before."""
    columns = (await contacts.seal(tx, {user.id: new.contact}))[user.id]
    for column, value in (columns | {"name": new.name, "language": new.language}).items():
        setattr(user, column, value)
    user.version += 1
    await tx.flush()
    await keep_words(tx, user)
    roles = (await roles_of(tx, [user.id], today))[user.id]
    tell_state(tx, UserUpdated, user, new.contact, roles)
    await ask_registrant(tx, user, new.contact.email)
    await record(tx, doer, Deed(action="user.registered_again", resource_type="user", resource_id=user.id))
