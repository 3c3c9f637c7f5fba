"""Registering without an invitation, where the school lets people."""

from uuid import UUID

from sqlalchemy import select

from libs.auth import system_binding
from libs.db import Database, ReadTransaction, TenantTransaction
from libs.events.contracts.identity import RegistrationRepeated
from libs.kernel import InvalidInput
from subgraphs.identity.audit.queries import Doer, Origin
from subgraphs.identity.credential.queries import PasswordHasher, answer_evenly, check_new_password
from subgraphs.identity.registration.rules import RegistrationClosed
from subgraphs.identity.role.queries import RoleState, system_role
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.rules import TenantStatus, today_in
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contact, Contacts, NewAccount, create_accounts
from subgraphs.identity.user.rules import EmailTaken, language_faults


async def hash_chosen_password(
    database: Database, tenant_id: UUID, *, password: str, name: str, email: str, hasher: PasswordHasher
) -> str:
    """The hash of the password somebody registers with; no connection is held meanwhile.

    Raises RegistrationClosed and WeakPassword.
    """
    async with database.read(system_binding(tenant_id)) as tx:
        await _registering(tx)
        await check_new_password(tx, password, name=name, email=email)
    return await hasher.hash(password)


async def register_user(
    tx: TenantTransaction,
    *,
    name: str,
    email: str,
    phone: str | None,
    language: str,
    password_hash: str,
    origin: Origin,
    contacts: Contacts,
) -> None:
    """Makes an account that its person has to verify; where the address has one, the mail says that instead.

    Neither the answer nor its time tells which of the two it was. Raises InvalidInput and RegistrationClosed.
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
        password_hash=password_hash,
        is_registration=True,
    )
    doer = Doer(None, tx.tenant_id, origin)
    try:
        async with tx.rejecting({"uq_users_tenant_id_email_blind": EmailTaken}):
            since = today_in(tenant.timezone, tx.now)
            await create_accounts(tx, [account], contacts=contacts, doer=doer, since=since)
    except EmailTaken:
        await _tell_holder(tx, email, contacts)


async def _registering(tx: ReadTransaction) -> tuple[Tenant, RoleState]:
    """The school and what people become there. Raises RegistrationClosed."""
    tenant = await tx.session.get(Tenant, tx.tenant_id)
    if tenant is None or tenant.status != TenantStatus.ACTIVE or tenant.registration_role is None:
        raise RegistrationClosed
    return tenant, system_role(tenant.registration_role)


async def _tell_holder(tx: TenantTransaction, email: str, contacts: Contacts) -> None:
    holder = await tx.scalar(
        select(User).where(
            User.tenant_id == tx.tenant_id,
            User.email_blind == contacts.blind(tx.tenant_id, email),
            User.deleted_at.is_(None),
        )
    )
    contact = await contacts.find(tx, holder) if holder is not None else None
    if holder is not None and contact is not None:  # else deleted or erased this very moment
        personal = {"name": holder.name, "email": contact.email}
        tx.emit(RegistrationRepeated(user_id=holder.id, language=holder.language, personal=personal))
