"""Codes of a second factor, and showing again that it is oneself who is signed in: by the password, or by a code.

A wrong one counts like a failed sign-in, by the session's device: a stolen token guesses five times and no more.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import or_, select, update

from libs.auth import Actor, system_binding
from libs.db import Database, ReadTransaction, TenantTransaction
from libs.kernel import DomainError
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.queries import PasswordHasher
from subgraphs.identity.lockout.queries import Attempt, check_lockouts, count_failure, take_back_failures
from subgraphs.identity.second_factor.model import RecoveryCode, SecondFactor
from subgraphs.identity.second_factor.rules import (
    InvalidCode,
    SecondFactorRequired,
    WrongPassword,
    bare_code,
    is_totp,
    recovery_hash,
)
from subgraphs.identity.session.model import Session
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contacts


async def second_factors_of(tx: ReadTransaction, user_ids: Collection[UUID]) -> frozenset[UUID]:
    """Which of these accounts have a second factor in force."""
    mine = (SecondFactor.tenant_id == tx.tenant_id, SecondFactor.user_id.in_(user_ids))
    in_force = select(SecondFactor.user_id).where(*mine, SecondFactor.confirmed_at.is_not(None))
    return frozenset(await tx.scalars(in_force))


async def check_second_factor(
    tx: TenantTransaction, user_id: UUID, otp: str | None, *, contacts: Contacts
) -> DomainError | None:
    """What keeps somebody out whose password was right; None where nothing does.

    SecondFactorRequired without a code, InvalidCode for a wrong or used one. A code is used up.
    """
    if not await second_factors_of(tx, [user_id]):
        return None
    if otp is None or not otp.strip():
        return SecondFactorRequired()
    return None if await take_code(tx, user_id, otp, contacts=contacts) else InvalidCode()


async def take_code(tx: TenantTransaction, user_id: UUID, code: str, *, contacts: Contacts) -> bool:
    """Uses up a code of an authenticator, or a recovery code. Of two who come with one, one is heard."""
    bare = bare_code(code)
    if not is_totp(bare):
        spent = (
            update(RecoveryCode)
            .where(
                RecoveryCode.tenant_id == tx.tenant_id,
                RecoveryCode.user_id == user_id,
                RecoveryCode.code_hash == recovery_hash(bare),
                RecoveryCode.used_at.is_(None),
            )
            .values(used_at=tx.now)
            .returning(RecoveryCode.id)
        )
        return (await tx.execute(spent)).first() is not None
    mine = (SecondFactor.tenant_id == tx.tenant_id, SecondFactor.user_id == user_id)
    factor = await tx.scalar(select(SecondFactor).where(*mine))
    step = None if factor is None else await step_of(tx, factor, bare, contacts=contacts)
    if step is None:
        return False
    # The statement decides, not a look before it: a code that another one used meanwhile is no longer later.
    later = or_(SecondFactor.last_step.is_(None), SecondFactor.last_step < step)
    taken = update(SecondFactor).where(*mine, later).values(last_step=step).returning(SecondFactor.id)
    return (await tx.execute(taken.execution_options(synchronize_session=False))).first() is not None


async def step_of(tx: ReadTransaction, factor: SecondFactor, code: str, *, contacts: Contacts) -> int | None:
    """The time step that a code belongs to, one before or after the present one at most; None for a wrong code."""
    key = await contacts.person_key(tx, factor.user_id)
    if key is None:
        return None
    secret = key.decrypt(
        factor.secret, table="second_factors", column="secret", row_id=factor.id, tenant_id=tx.tenant_id
    )
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=tx.now, valid_window=1)
    except OTPVerificationError:
        return None


@dataclass(frozen=True, slots=True)
class Proof:
    """A password that was tried, on which hash and whether it fits; or a code, which is tried when it is used up."""

    password_hash: str | None = None
    matches: bool = False
    code: str | None = None


async def try_password(database: Database, *, actor: Actor, password: str, hasher: PasswordHasher) -> Proof:
    """Tries the actor's password; while it is hashed, no connection is held. Raises AccountLocked and NotFound."""
    async with database.read(system_binding(actor.home_tenant_id)) as tx:
        user = await tx.get(User, actor.user_id)
        password_hash = user.password_hash
        await check_lockouts(tx, await _attempt(tx, actor, user))
    return Proof(password_hash, await hasher.verify(password, password_hash))


async def refusal_of(
    tx: TenantTransaction, user: User, proof: Proof, *, actor: Actor, contacts: Contacts, origin: Origin
) -> DomainError | None:
    """What is wrong with the proof of a locked account; None where it is right.

    To be answered and not raised: that it was tried has to be committed. Raises AccountLocked.
    """
    attempt = await _attempt(tx, actor, user)
    await check_lockouts(tx, attempt, lock=True)
    if proof.code is not None:
        is_right = await take_code(tx, user.id, proof.code, contacts=contacts)
    else:
        is_right = proof.matches and user.password_hash == proof.password_hash
    if is_right:
        await take_back_failures(tx, attempt)
        return None
    await count_failure(tx, attempt, origin)
    deed = Deed(action="auth.proof_failed", resource_type="user", resource_id=user.id, error="credentials")
    await record(tx, Doer.of(actor, origin), deed)
    return WrongPassword() if proof.code is None else InvalidCode()


async def _attempt(tx: ReadTransaction, actor: Actor, user: User) -> Attempt:
    """Where a failure counts: at the device of the session, wherever its token is used from."""
    mine = (Session.tenant_id == tx.tenant_id, Session.id == actor.session_id, Session.user_id == user.id)
    device_id = await tx.scalar(select(Session.device_id).where(*mine))
    return Attempt(user.email_blind, "", device_id or actor.session_id)
