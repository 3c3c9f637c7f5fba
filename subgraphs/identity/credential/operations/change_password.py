"""Changing one's own password while signed in."""

from dataclasses import dataclass

from libs.auth import Actor, Revocations, system_binding
from libs.db import Database, TenantTransaction
from libs.kernel import DomainError, NotFound
from subgraphs.identity.audit.queries import Doer, Origin
from subgraphs.identity.credential.operations.set_password import hash_unused, hashes_of, set_password
from subgraphs.identity.credential.queries import PasswordHasher, check_new_password, new_token
from subgraphs.identity.credential.rules import token_hash
from subgraphs.identity.second_factor.queries import Proof, refusal_of, try_password
from subgraphs.identity.session.model import Session
from subgraphs.identity.session.queries import Access, TokenPolicy, end_sessions, give_access
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.rules import today_in
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contacts


@dataclass(frozen=True, slots=True)
class PasswordChange:
    """The current password as it was tried, and the hash of the new one; None after a wrong current one."""

    proof: Proof
    password_hash: str | None


async def hash_changed_password(
    database: Database, *, actor: Actor, current: str, new: str, contacts: Contacts, hasher: PasswordHasher
) -> PasswordChange:
    """Tries the current password and hashes the new one; while either is hashed, no connection is held.

    Only whoever knows the current one is told whether the new one was had before: it would be another way to guess.
    Raises AccountLocked, WeakPassword, and NotFound for who has no account here.
    """
    async with database.read(system_binding(actor.home_tenant_id)) as tx:
        user = await tx.get(User, actor.user_id)
        contact = await contacts.get(tx, user)
        await check_new_password(tx, new, name=user.name, email=contact.email)
        hashes = await hashes_of(tx, user)
    proof = await try_password(database, actor=actor, password=current, hasher=hasher)
    return PasswordChange(proof, await hash_unused(new, hashes, hasher) if proof.matches else None)


async def change_password(
    tx: TenantTransaction,
    *,
    actor: Actor,
    change: PasswordChange,
    contacts: Contacts,
    tokens: TokenPolicy,
    origin: Origin,
    revocations: Revocations,
) -> Access | DomainError:
    """Sets the new password, ends the other sessions, and goes on with the own one under a fresh pair of tokens.

    Tokens from before are void, the own refresh token too. A wrong current password is returned as WrongPassword: that
    it was tried has to be committed. Raises AccountLocked, and NotFound for an account or session that is not there.
    """
    user = await tx.get(User, actor.user_id, lock=True)
    if refusal := await refusal_of(tx, user, change.proof, actor=actor, contacts=contacts, origin=origin):
        return refusal
    contact, tenant = await contacts.get(tx, user), await tx.session.get(Tenant, tx.tenant_id)
    if tenant is None or change.password_hash is None:
        raise NotFound
    doer = Doer.of(actor, origin)
    await set_password(tx, user, change.password_hash, contact=contact, doer=doer, revocations=revocations)
    await end_sessions(tx, user.id, reason="PASSWORD", revocations=revocations, but=actor.session_id)
    return await give_access(
        tx,
        user,
        session_id=actor.session_id,
        refresh_token=await _renewed(tx, actor, tokens),
        today=today_in(tenant.timezone, tx.now),
        contacts=contacts,
        tokens=tokens,
    )


async def _renewed(tx: TenantTransaction, actor: Actor, tokens: TokenPolicy) -> str:
    """A new refresh token of the actor's living session; the one before is unknown from now on, not merely spent."""
    session = await tx.get(Session, actor.session_id, lock=True)
    if session.user_id != actor.user_id or session.ended_at is not None:
        raise NotFound
    token = new_token(tx)
    session.refresh_hash = token_hash(token)
    session.last_used_at, session.expires_at = tx.now, tx.now + tokens.refresh_life
    await tx.flush()
    return token
