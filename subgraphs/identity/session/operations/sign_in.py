"""Sign-in with e-mail and password."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from libs.auth import system_binding
from libs.db import Database, ReadTransaction, TenantTransaction
from libs.kernel import DomainError
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.queries import PasswordHasher, new_token
from subgraphs.identity.credential.rules import token_hash
from subgraphs.identity.lockout.queries import Attempt, check_lockouts, count_failure, mail_unlock, take_back_failures
from subgraphs.identity.second_factor.queries import check_second_factor
from subgraphs.identity.second_factor.rules import InvalidCode
from subgraphs.identity.session.model import Device, Session
from subgraphs.identity.session.operations.devices import find_device, remember_device
from subgraphs.identity.session.queries import Access, TokenPolicy, give_access
from subgraphs.identity.session.rules import InvalidCredentials, TenantSuspended
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.rules import TenantStatus, today_in
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contacts
from subgraphs.identity.user.rules import UserStatus


@dataclass(frozen=True, slots=True)
class Guess:
    """A password that was tried: on which hash, None for an account that nobody may sign in to, and whether it fits."""

    password_hash: str | None
    matches: bool


@dataclass(frozen=True, slots=True)
class SignedIn(Access):
    """Access by a sign-in; `device_token` is what the device is known by at the next one."""

    device_token: str


async def check_guess(
    database: Database,
    tenant_id: UUID,
    *,
    email: str,
    password: str,
    origin: Origin,
    contacts: Contacts,
    hasher: PasswordHasher,
    device_token: str | None = None,
) -> Guess:
    """Tries a password; while it is hashed, no connection is held.

    Unknown, invited and inactive accounts take the time of a wrong password. Raises TenantSuspended and AccountLocked.
    """
    email_blind = contacts.blind(tenant_id, email)
    async with database.read(system_binding(tenant_id)) as tx:
        await _tenant_of(tx)
        device = await find_device(tx, device_token, email_blind)
        await check_lockouts(tx, Attempt(email_blind, origin.address, device and device.id))
        user = await _find(tx, email_blind)
        password_hash = user.password_hash if user is not None and user.status == UserStatus.ACTIVE else None
    return Guess(password_hash, await hasher.verify(password, password_hash))


async def sign_in(
    tx: TenantTransaction,
    *,
    email: str,
    guess: Guess,
    device: str | None,
    origin: Origin,
    contacts: Contacts,
    tokens: TokenPolicy,
    otp: str | None = None,
    device_token: str | None = None,
) -> SignedIn | DomainError:
    """Opens a session in the transaction's tenant for whoever guessed right.

    A wrong password is returned as InvalidCredentials instead of raised: that it was tried has to be committed; a wrong
    code of a second factor, which counts as much, as InvalidCode. SecondFactorRequired is returned for a missing one.
    Raises TenantSuspended and AccountLocked.
    """
    tenant = await _tenant_of(tx)
    email_blind = contacts.blind(tx.tenant_id, email)
    # Locked: a session that opens while its account is closed would be one that `end_sessions` did not see.
    user = await _find(tx, email_blind, lock=True)
    known = await find_device(tx, device_token, email_blind, lock=True)
    attempt = Attempt(email_blind, origin.address, known and known.id)
    # Looked at again under its lock: guesses sent at once count one after the other, and a right one among too many
    # is refused like the wrong ones.
    await check_lockouts(tx, attempt, lock=True)
    is_right = user is not None and guess.matches and _is_still(user, guess)
    if tenant is None or user is None or not is_right:
        return await _refuse(tx, attempt, user, origin, contacts)
    refusal = await check_second_factor(tx, user, otp, contacts=contacts, origin=origin)
    if isinstance(refusal, InvalidCode):
        await _refuse(tx, attempt, user, origin, contacts)
    if refusal is not None:
        return refusal
    await take_back_failures(tx, attempt)
    if known is not None and device_token is not None:
        known.name, known.last_used_at = device or known.name, tx.now
        used = known, device_token
    else:
        used = await remember_device(tx, user.id, device)
    return await _open(tx, user, tenant, used=used, device=device, origin=origin, contacts=contacts, tokens=tokens)


async def _tenant_of(tx: ReadTransaction) -> Tenant | None:
    """The school; None where there is none, whose accounts are all unknown. Raises TenantSuspended."""
    tenant = await tx.session.get(Tenant, tx.tenant_id)
    if tenant is not None and tenant.status != TenantStatus.ACTIVE:
        raise TenantSuspended
    return tenant


async def _find(tx: ReadTransaction, email_blind: bytes, *, lock: bool = False) -> User | None:
    statement = select(User).where(
        User.tenant_id == tx.tenant_id, User.email_blind == email_blind, User.deleted_at.is_(None)
    )
    return await tx.scalar(statement.with_for_update(key_share=True) if lock else statement)


def _is_still(user: User, guess: Guess) -> bool:
    """Whether what was guessed is the password yet: it may have changed, or its account, while it was hashed."""
    return user.status == UserStatus.ACTIVE and user.password_hash == guess.password_hash


async def _refuse(
    tx: TenantTransaction, attempt: Attempt, user: User | None, origin: Origin, contacts: Contacts
) -> DomainError:
    has_locked = await count_failure(tx, attempt, origin)
    if has_locked and user is not None and user.status == UserStatus.ACTIVE:
        await mail_unlock(tx, user, contacts)
    deed = Deed(action="auth.login_failed", resource_type="user", resource_id=user and user.id, error="credentials")
    await record(tx, Doer(None, tx.tenant_id, origin), deed)
    return InvalidCredentials()


async def _open(
    tx: TenantTransaction,
    user: User,
    tenant: Tenant,
    *,
    used: tuple[Device, str],
    device: str | None,
    origin: Origin,
    contacts: Contacts,
    tokens: TokenPolicy,
) -> SignedIn:
    refresh_token = new_token(tx)
    session = Session(
        tenant_id=tx.tenant_id,
        id=tx.new_id(),
        user_id=user.id,
        device=device or used[0].name,
        device_id=used[0].id,
        address=origin.address,
        user_agent=origin.user_agent,
        refresh_hash=token_hash(refresh_token),
        last_used_at=tx.now,
        expires_at=tx.now + tokens.refresh_life,
    )
    tx.add(session)
    user.last_sign_in_at = tx.now
    await tx.flush()
    deed = Deed(action="auth.login_success", resource_type="session", resource_id=session.id)
    await record(tx, Doer(user.id, tx.tenant_id, origin), deed)
    today = today_in(tenant.timezone, tx.now)
    access = await give_access(
        tx,
        user,
        session_id=session.id,
        refresh_token=refresh_token,
        today=today,
        contacts=contacts,
        tokens=tokens,
    )
    return SignedIn(access.actor, access.access_token, access.refresh_token, access.expires_in, used[1])
