"""Showing again that it is oneself who is signed in: by the password, or by a code of the second factor.

A wrong one counts like a failed sign-in, by the session's device: a stolen token guesses five times and no more.
"""

from dataclasses import dataclass

from sqlalchemy import select

from libs.auth import Actor, system_binding
from libs.db import Database, ReadTransaction, TenantTransaction
from libs.kernel import DomainError
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.queries import PasswordHasher, take_code
from subgraphs.identity.second_factor.rules import InvalidCode, WrongPassword
from subgraphs.identity.session.model import Session
from subgraphs.identity.session.queries import Attempt, check_lockouts, count_failure, take_back_failures
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contacts


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
