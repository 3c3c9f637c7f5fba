"""Codes of a second factor, and showing again that it is oneself who is signed in: by the password, or by a code.

A wrong one counts like a failed sign-in, by the session's device: a stolen token guesses five times and no more.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import delete, or_, select, update

from libs.auth import Actor, system_binding
from libs.db import Database, ReadTransaction, TenantTransaction
from libs.events.contracts.identity import SecondFactorChanged
from libs.kernel import DomainError
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.queries import PasswordHasher, password_policy
from subgraphs.identity.lockout.queries import Attempt, check_lockouts, count_failure, take_back_failures
from subgraphs.identity.role.queries import RoleState
from subgraphs.identity.second_factor.model import RecoveryCode, SecondFactor
from subgraphs.identity.second_factor.rules import (
    FactorChange,
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

_ACTIONS: Final[Mapping[FactorChange, str]] = {
    FactorChange.ENABLED: "user.second_factor_enabled",
    FactorChange.DISABLED: "user.second_factor_disabled",
    FactorChange.RESET: "user.second_factor_reset",
    FactorChange.CODES_REGENERATED: "user.recovery_codes_regenerated",
    FactorChange.CODE_USED: "user.recovery_code_used",
}
"""What each change is called in the audit log."""


async def second_factors_of(tx: ReadTransaction, user_ids: Collection[UUID]) -> frozenset[UUID]:
    """Which of these accounts have a second factor in force."""
    mine = (SecondFactor.tenant_id == tx.tenant_id, SecondFactor.user_id.in_(user_ids))
    in_force = select(SecondFactor.user_id).where(*mine, SecondFactor.confirmed_at.is_not(None))
    return frozenset(await tx.scalars(in_force))


async def is_demanded(tx: ReadTransaction, roles: Iterable[RoleState]) -> bool:
    """Whether the school demands a second factor of who holds these roles, or heirs of those that it names."""
    demanded = (await password_policy(tx)).second_factor_roles
    return any(name in demanded for role in roles for name in role.names)


async def tell_change(
    tx: TenantTransaction, user: User, change: FactorChange, *, doer: Doer, contacts: Contacts
) -> None:
    """Tells the account's owner, and the log. Raises NotFound for an erased person."""
    personal = (await contacts.get(tx, user)).personal(user.name)
    told = SecondFactorChanged(user_id=user.id, change=change.value, language=user.language, personal=personal)
    tx.emit(told)
    await record(tx, doer, Deed(action=_ACTIONS[change], resource_type="user", resource_id=user.id))


async def take_off(tx: TenantTransaction, user_id: UUID) -> None:
    """Deletes the second factor of a locked account, with its recovery codes."""
    for table in (RecoveryCode, SecondFactor):
        await tx.execute(delete(table).where(table.tenant_id == tx.tenant_id, table.user_id == user_id))


async def check_second_factor(
    tx: TenantTransaction, user: User, otp: str | None, *, contacts: Contacts, origin: Origin
) -> DomainError | None:
    """What keeps somebody out whose password was right; None where nothing does.

    SecondFactorRequired without a code, InvalidCode for a wrong or used one. A code is used up; of a recovery code the
    owner is told, since whoever found them has them all. The account is locked.
    """
    if not await second_factors_of(tx, [user.id]):
        return None
    if otp is None or not otp.strip():
        return SecondFactorRequired()
    if not await take_code(tx, user.id, otp, contacts=contacts):
        return InvalidCode()
    if not is_totp(bare_code(otp)):
        doer = Doer(user.id, tx.tenant_id, origin)
        await tell_change(tx, user, FactorChange.CODE_USED, doer=doer, contacts=contacts)
    return None


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
