"""What the aggregates of identity share about accounts: contacts, new ones, first mails, locks, token versions."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Dialect, Select, delete, insert, or_, select, update
from sqlalchemy.dialects.postgresql.base import PGDialect

from libs.auth import Revocations, Unavailable
from libs.crypto import BlindIndex, DataKey, KeyRing, Vault
from libs.db import ReadTransaction, TenantTransaction
from libs.events.contracts.identity import (
    UserActivated,
    UserCreated,
    UserDeactivated,
    UserInvited,
    UserRegistered,
    UserRestored,
    UserUpdated,
)
from libs.kernel import NotFound
from libs.settings import Settings
from subgraphs.identity.audit.queries import Deed, Doer, record
from subgraphs.identity.credential.model import OneTimeToken
from subgraphs.identity.credential.queries import issue_token, token_row
from subgraphs.identity.credential.rules import TokenPurpose
from subgraphs.identity.model import vault_table
from subgraphs.identity.role.model import Role, UserRole
from subgraphs.identity.role.queries import RoleState, hat_row
from subgraphs.identity.session.model import Revocation
from subgraphs.identity.user.model import User, UserName, UserRecord
from subgraphs.identity.user.rules import UserStatus, words

_log = structlog.get_logger(__name__)


class SealedContact(Protocol):
    """A row of users, or part of one."""

    @property
    def id(self) -> UUID: ...
    @property
    def email(self) -> bytes: ...
    @property
    def phone(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a person is reached."""

    email: str
    phone: str | None = None

    def personal(self, name: str) -> dict[str, str]:
        """What events carry of a person."""
        return {"name": name, "email": self.email} | ({"phone": self.phone} if self.phone else {})


class Contacts:
    """Seals and reveals contacts. Raises SettingsError when a key is missing."""

    def __init__(self, settings: Settings) -> None:
        self._vault = Vault(KeyRing.from_settings(settings), vault_table)
        self._blind_index = BlindIndex(settings)

    def blind(self, tenant_id: UUID, email: str) -> bytes:
        """What an address is found by, whatever its case."""
        return self._blind_index.of(tenant_id, "email", email)

    async def seal(self, tx: TenantTransaction, contacts: Mapping[UUID, Contact]) -> dict[UUID, dict[str, Any]]:
        """The columns email, email_blind, phone and phone_blind of these people's rows; new people get their key."""
        keys = await self._vault.person_keys(tx, contacts.keys(), create=True)
        sealed: dict[UUID, dict[str, Any]] = {}
        for user_id, contact in contacts.items():
            key, tenant = keys[user_id], tx.tenant_id
            email = key.encrypt(contact.email, table="users", column="email", row_id=user_id, tenant_id=tenant)
            columns: dict[str, Any] = {"email": email, "email_blind": self.blind(tenant, contact.email)}
            columns |= {"phone": None, "phone_blind": None}
            if contact.phone:
                phone = key.encrypt(contact.phone, table="users", column="phone", row_id=user_id, tenant_id=tenant)
                columns |= {"phone": phone, "phone_blind": self._blind_index.of(tenant, "phone", contact.phone)}
            sealed[user_id] = columns
        return sealed

    async def reveal(self, tx: ReadTransaction, rows: Sequence[SealedContact]) -> dict[UUID, Contact]:
        """The contacts in clear, by account; who has been erased is missing.

        To show them to somebody is a deed for the audit log: see `read_contacts`.
        """
        keys = await self._vault.person_keys(tx, [row.id for row in rows])
        revealed: dict[UUID, Contact] = {}
        for row in rows:
            if (key := keys.get(row.id)) is not None:
                email = _decrypted(key, row.email, "email", row.id, tx.tenant_id)
                phone = _decrypted(key, row.phone, "phone", row.id, tx.tenant_id) if row.phone else None
                revealed[row.id] = Contact(email, phone)
        return revealed

    async def find(self, tx: ReadTransaction, row: SealedContact) -> Contact | None:
        """The contact of one account, like `reveal`; None for who has been erased."""
        return (await self.reveal(tx, [row])).get(row.id)

    async def get(self, tx: ReadTransaction, row: SealedContact) -> Contact:
        """The contact of one account, like `reveal`. Raises NotFound for who has been erased."""
        contact = await self.find(tx, row)
        if contact is None:
            raise NotFound
        return contact

    async def shred(self, tx: TenantTransaction, user_ids: Collection[UUID]) -> None:
        """Deletes the keys of these people: no contact of theirs can be read again, wherever it lies."""
        for user_id in user_ids:
            await self._vault.shred(tx, user_id)

    async def person_key(self, tx: ReadTransaction, user_id: UUID) -> DataKey | None:
        """The key of one account's person; None for who has been erased."""
        return (await self._vault.person_keys(tx, [user_id])).get(user_id)


def _decrypted(key: DataKey, sealed: bytes, column: str, user_id: UUID, tenant_id: UUID) -> str:
    return key.decrypt(sealed, table="users", column=column, row_id=user_id, tenant_id=tenant_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account to make: active where a password hash is given, else invited, be it by the school or by registering.

    `record_ids` are the academic records (pupil, guardian, teacher) it is made for.
    """

    id: UUID
    name: str
    contact: Contact
    roles: Sequence[RoleState]
    language: str = "id"
    record_ids: Sequence[UUID] = ()
    password_hash: str | None = None
    must_change_password: bool = False
    is_registration: bool = False

    @property
    def status(self) -> UserStatus:
        """How the account begins."""
        return UserStatus.ACTIVE if self.password_hash else UserStatus.INVITED

    @property
    def first_token(self) -> TokenPurpose | None:
        """What the mail is for that leads to it."""
        if self.status is UserStatus.ACTIVE:
            return None
        return TokenPurpose.REGISTRATION if self.is_registration else TokenPurpose.INVITATION


_CREATED: Final[Mapping[type[Any], Sequence[str]]] = {
    User: (
        *("id", "name", "email", "email_blind", "phone", "phone_blind", "language", "status", "staff"),
        *("password_hash", "must_change_password", "created_at"),
    ),
    UserName: ("id", "user_id", "token"),
    UserRole: (
        *("id", "user_id", "system_role", "role_id", "valid_from", "valid_until", "assigned_at", "assigned_by"),
    ),
    UserRecord: ("id", "user_id", "record_id"),
    OneTimeToken: ("id", "user_id", "purpose", "token_hash", "expires_at"),
}


def _creation() -> str:
    """One statement that writes all tables of new accounts: a pupil's event pays for one round trip, not for five."""
    dialect: Dialect = PGDialect()  # type: ignore[no-untyped-call]
    parts = []
    for model, names in _CREATED.items():
        table, columns = model.__tablename__, model.__table__.c
        kinds = (columns[name].type.compile(dialect).removesuffix(' COLLATE "C"') for name in names)
        arrays = ", ".join(f"%({table}_{name})s::{kind}[]" for name, kind in zip(names, kinds, strict=True))
        rows = f"({', '.join(names)}) select * from unnest({arrays})"  # noqa: S608 - our own names
        parts.append(f"{table} as (insert into identity.{table} {rows})")
    return f"with {', '.join(parts)} select 1"


_CREATION: Final = _creation()


async def create_accounts(
    tx: TenantTransaction, accounts: Sequence[NewAccount], *, contacts: Contacts, doer: Doer, since: date
) -> None:
    """Writes accounts, whoever they are for, and emits UserCreated for each, and what its first mail needs.

    `since` is the first day of their roles. An address that is taken is refused by uq_users_tenant_id_email_blind;
    then nothing is emitted.
    """
    first = {each.id: token_row(tx, each.id, each.first_token) for each in accounts if each.first_token is not None}
    sealed = await contacts.seal(tx, {account.id: account.contact for account in accounts})
    rows: Mapping[type[Any], list[dict[str, Any]]] = {
        User: [_user_row(tx, account) | sealed[account.id] for account in accounts],
        UserName: [
            {"id": tx.new_id(), "user_id": account.id, "token": word}
            for account in accounts
            for word in words(account.name)
        ],
        UserRole: [hat_row(tx, account.id, role, doer, since) for account in accounts for role in account.roles],
        UserRecord: [record_row(tx, each.id, record_id) for each in accounts for record_id in each.record_ids],
        OneTimeToken: [row for _, row in first.values()],
    }
    arrays = {
        f"{model.__tablename__}_{name}": [row[name] for row in rows[model]]
        for model, names in _CREATED.items()
        for name in names
    }
    await (await tx.session.connection()).exec_driver_sql(_CREATION, arrays)
    for account in accounts:
        _tell_created(tx, account)
        if account.id in first:
            token, row = first[account.id]
            tx.emit(_first_mail(account, token, row["expires_at"]))
    await record(tx, doer, *(_created(account) for account in accounts))


def _user_row(tx: TenantTransaction, account: NewAccount) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "language": account.language,
        "status": account.status.value,
        "staff": any(role.is_staff for role in account.roles),
        "password_hash": account.password_hash,
        "must_change_password": account.must_change_password,
        "created_at": tx.now,
    }


def _tell_created(tx: TenantTransaction, account: NewAccount) -> None:
    """One event for each record, so that academic links them all."""
    for record_id in account.record_ids or (None,):
        tx.emit(
            UserCreated(
                user_id=account.id,
                status=account.status.value,
                roles=tuple(role.name for role in account.roles),
                language=account.language,
                record_id=record_id,
                personal=account.contact.personal(account.name),
            )
        )


def record_row(tx: TenantTransaction, user_id: UUID, record_id: UUID) -> dict[str, Any]:
    """The row that says which academic record an account stands for."""
    return {"tenant_id": tx.tenant_id, "id": tx.new_id(), "record_id": record_id, "user_id": user_id}


def _first_mail(account: NewAccount, token: str, expires_at: datetime) -> UserInvited | UserRegistered:
    """What brings the token to the person: it goes into the sealed part of the event alone."""
    if account.is_registration:
        return UserRegistered(
            user_id=account.id,
            language=account.language,
            expires_at=expires_at,
            personal={"name": account.name, "email": account.contact.email},
            secret={"token": token},
        )
    return UserInvited(
        user_id=account.id,
        roles=tuple(role.name for role in account.roles),
        language=account.language,
        expires_at=expires_at,
        about=account.record_ids[0] if account.record_ids else None,
        personal=account.contact.personal(account.name),
        secret={"token": token},
    )


async def invite_again(tx: TenantTransaction, user: User, contact: Contact, roles: Sequence[RoleState]) -> None:
    """Sends an account without a password a new invitation; an earlier one is void.

    One that registered is the school's from now on: nothing is left of the registration.
    """
    mine = (OneTimeToken.tenant_id == tx.tenant_id, OneTimeToken.user_id == user.id)
    await tx.execute(delete(OneTimeToken).where(*mine, OneTimeToken.purpose == TokenPurpose.REGISTRATION))
    token, expires_at = await issue_token(tx, user.id, TokenPurpose.INVITATION)
    tx.emit(
        UserInvited(
            user_id=user.id,
            roles=tuple(role.name for role in roles),
            language=user.language,
            expires_at=expires_at,
            personal=contact.personal(user.name),
            secret={"token": token},
        )
    )


StateEvent = type[UserUpdated] | type[UserActivated] | type[UserDeactivated] | type[UserRestored]


def tell_state(
    tx: TenantTransaction, contract: StateEvent, user: User, contact: Contact, roles: Sequence[RoleState]
) -> None:
    """Emits what an account is now."""
    tx.emit(
        contract(
            user_id=user.id,
            status=user.status,
            roles=tuple(role.name for role in roles),
            language=user.language,
            personal=contact.personal(user.name),
        )
    )


async def keep_words(tx: TenantTransaction, user: User) -> None:
    """Lets an account be found by the name that it has now, and by no former one."""
    await tx.execute(delete(UserName).where(UserName.tenant_id == tx.tenant_id, UserName.user_id == user.id))
    owner = {"tenant_id": tx.tenant_id, "user_id": user.id}
    if rows := [owner | {"id": tx.new_id(), "token": word} for word in words(user.name)]:
        await tx.execute(insert(UserName.__table__), rows)


def _created(account: NewAccount) -> Deed:
    values = {"status": account.status, "roles": [role.name for role in account.roles]}
    if not account.is_registration:  # what a stranger said of somebody is to vanish with the registration
        values["name"] = account.name
    return Deed(action="user.created", resource_type="user", resource_id=account.id, new_values=values)


async def lock_account(tx: TenantTransaction, user_id: UUID, *, deleted: bool = False) -> User:
    """An account that is there (or that was deleted), locked: of two who change it, the second sees the first.

    Raises NotFound.
    """
    user = await tx.get(User, user_id, lock=True)
    if (user.deleted_at is not None) is not deleted:
        raise NotFound
    return user


async def raise_versions(
    tx: TenantTransaction, user_ids: Collection[UUID], revocations: Revocations
) -> dict[UUID, int]:
    """Makes every token void that these accounts hold, everywhere within seconds of the commit; says the versions."""
    statement = (
        update(User)
        .where(User.tenant_id == tx.tenant_id, User.id.in_(user_ids))
        .values(ver=User.ver + 1)
        .returning(User.id, User.ver)
        .execution_options(synchronize_session=False)
    )
    versions = {row.id: row.ver for row in await tx.execute(statement)}
    rows = [
        {"id": tx.new_id(), "tenant_id": tx.tenant_id, "user_id": user, "ver": ver, "revoked_at": tx.now}
        for user, ver in versions.items()
    ]
    if rows:
        await tx.execute(insert(Revocation.__table__), rows)
        tx.after_commit.append(lambda: publish(revocations, versions))
    return versions


async def publish(revocations: Revocations, versions: Mapping[UUID, int], sessions: Collection[UUID] = ()) -> None:
    """Tells Valkey what is revoked, after the commit; when it cannot be told, `republish_revocations` will."""
    try:
        await revocations.publish_many(versions, sessions)
    except Unavailable:
        _log.warning("revocation_not_published", users=len(versions), sessions=len(sessions))


def holders_of(
    tenant_id: ColumnElement[UUID],
    today: ColumnElement[date],
    is_meant: Callable[[ColumnElement[str]], ColumnElement[bool]],
) -> Select[UUID]:
    """The accounts that hold, today, a role whose name is meant; found from the roles, whatever the school's size."""
    held, own = UserRole.__table__.alias(), Role.__table__.alias()
    named = select(own.c.id).where(own.c.tenant_id == tenant_id, ~own.c.is_system_role, is_meant(own.c.name))
    return select(held.c.user_id).where(
        held.c.tenant_id == tenant_id,
        held.c.valid_from <= today,
        or_(held.c.valid_until.is_(None), held.c.valid_until >= today),
        or_(is_meant(held.c.system_role), held.c.role_id.in_(named)),
    )
