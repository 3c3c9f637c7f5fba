"""Sign-in with e-mail and password."""

import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from libs.auth import system_binding
from libs.db import Database, ReadTransaction, TenantTransaction
from libs.kernel import DomainError
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.queries import PasswordHasher, check_second_factor
from subgraphs.identity.credential.rules import SECRET_BYTES, InvalidCode, encode_token, token_hash
from subgraphs.identity.session.model import Session, SignInFailure
from subgraphs.identity.session.queries import Access, TokenPolicy, give_access
from subgraphs.identity.session.rules import Failures, InvalidCredentials, TenantSuspended, after_failure
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
class _Attempt:
    email_blind: bytes
    address: str


async def check_guess(
    database: Database,
    tenant_id: UUID,
    *,
    email: str,
    password: str,
    origin: Origin,
    contacts: Contacts,
    hasher: PasswordHasher,
) -> Guess:
    """Tries a password; while it is hashed, no connection is held.

    Unknown, invited and inactive accounts take the time of a wrong password. Raises TenantSuspended and AccountLocked.
    """
    attempt = _Attempt(contacts.blind(tenant_id, email), origin.address)
    async with database.read(system_binding(tenant_id)) as tx:
        await _tenant_of(tx)
        await _check_lockout(tx, attempt)
        user = await _find(tx, attempt)
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
) -> Access | DomainError:
    """Opens a session in the transaction's tenant for whoever guessed right.

    A wrong password is returned as InvalidCredentials instead of raised: that it was tried has to be committed; a wrong
    code of a second factor, which counts as much, as InvalidCode. SecondFactorRequired is returned for a missing one.
    Raises TenantSuspended and AccountLocked.
    """
    tenant = await _tenant_of(tx)
    attempt = _Attempt(contacts.blind(tx.tenant_id, email), origin.address)
    # Locked: a session that opens while its account is closed would be one that `end_sessions` did not see.
    user = await _find(tx, attempt, lock=True)
    # Looked at again under its lock: guesses sent at once count one after the other, and a right one among too many
    # is refused like the wrong ones.
    failures = await _check_lockout(tx, attempt, lock=True)
    is_right = user is not None and guess.matches and _is_still(user, guess)
    if tenant is None or user is None or not is_right:
        return await _refuse(tx, attempt, failures, user, origin)
    refusal = await check_second_factor(tx, user.id, otp, contacts=contacts)
    if isinstance(refusal, InvalidCode):
        await _refuse(tx, attempt, failures, user, origin)
    if refusal is not None:
        return refusal
    if failures is not None:
        await tx.execute(delete(SignInFailure).where(*_of(tx, attempt)))
    return await _open(tx, user, tenant, device=device, origin=origin, contacts=contacts, tokens=tokens)


async def _tenant_of(tx: ReadTransaction) -> Tenant | None:
    """The school; None where there is none, whose accounts are all unknown. Raises TenantSuspended."""
    tenant = await tx.session.get(Tenant, tx.tenant_id)
    if tenant is not None and tenant.status != TenantStatus.ACTIVE:
        raise TenantSuspended
    return tenant


async def _find(tx: ReadTransaction, attempt: _Attempt, *, lock: bool = False) -> User | None:
    statement = select(User).where(
        User.tenant_id == tx.tenant_id, User.email_blind == attempt.email_blind, User.deleted_at.is_(None)
    )
    return await tx.scalar(statement.with_for_update(key_share=True) if lock else statement)


def _is_still(user: User, guess: Guess) -> bool:
    """Whether what was guessed is the password yet: it may have changed, or its account, while it was hashed."""
    return user.status == UserStatus.ACTIVE and user.password_hash == guess.password_hash


def _of(tx: ReadTransaction, attempt: _Attempt) -> tuple[Any, ...]:
    return (
        SignInFailure.tenant_id == tx.tenant_id,
        SignInFailure.email_blind == attempt.email_blind,
        SignInFailure.address == attempt.address,
    )


async def _check_lockout(tx: ReadTransaction, attempt: _Attempt, *, lock: bool = False) -> Failures | None:
    statement = select(
        SignInFailure.failures, SignInFailure.lockouts, SignInFailure.last_failed_at, SignInFailure.locked_until
    ).where(*_of(tx, attempt))
    row = (await tx.execute(statement.with_for_update() if lock else statement)).one_or_none()
    if row is None:
        return None
    failures = Failures(*row)
    failures.check(tx.now)
    return failures


async def _refuse(
    tx: TenantTransaction, attempt: _Attempt, failures: Failures | None, user: User | None, origin: Origin
) -> DomainError:
    key = {"tenant_id": tx.tenant_id, "email_blind": attempt.email_blind, "address": attempt.address}
    if failures is None:
        first = {"id": tx.new_id(), "failures": 0, "lockouts": 0, "last_failed_at": tx.now}
        await tx.execute(insert(SignInFailure.__table__).values(key | first).on_conflict_do_nothing())
        failures = await _check_lockout(tx, attempt, lock=True)
    after = after_failure(failures, tx.now)
    row = await tx.scalar(select(SignInFailure).where(*_of(tx, attempt)))
    assert row is not None  # locked above
    row.failures, row.lockouts = after.count, after.lockouts
    row.last_failed_at, row.locked_until = after.last_failed_at, after.locked_until
    deed = Deed(action="auth.login_failed", resource_type="user", resource_id=user and user.id, error="credentials")
    await record(tx, Doer(None, tx.tenant_id, origin), deed)
    return InvalidCredentials()


async def _open(
    tx: TenantTransaction,
    user: User,
    tenant: Tenant,
    *,
    device: str | None,
    origin: Origin,
    contacts: Contacts,
    tokens: TokenPolicy,
) -> Access:
    refresh_token = encode_token(tx.tenant_id, secrets.token_bytes(SECRET_BYTES))
    session = Session(
        tenant_id=tx.tenant_id,
        id=tx.new_id(),
        user_id=user.id,
        device=device,
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
    return await give_access(
        tx,
        user,
        session_id=session.id,
        refresh_token=refresh_token,
        today=today,
        contacts=contacts,
        tokens=tokens,
    )
