"""Ending other sessions than the one at hand: one, or all of an account."""

from datetime import date
from uuid import UUID

from libs.auth import Actor, Revocations
from libs.db import TenantTransaction
from libs.kernel import NotFound
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.role.queries import check_reach
from subgraphs.identity.session.model import Session
from subgraphs.identity.session.queries import end_session, end_sessions


async def revoke_session(
    tx: TenantTransaction, *, session_id: UUID, actor: Actor, today: date, origin: Origin, revocations: Revocations
) -> None:
    """Ends one session; ending it twice is the same.

    One's own always; another person's with session:revoke, which others are not even told to exist. Raises NotFound,
    and Forbidden for a session of somebody who may do what the actor may not.
    """
    session = await tx.get(Session, session_id)
    if session.user_id != actor.user_id:
        if not actor.may("session:revoke"):
            raise NotFound
        await check_reach(tx, actor, session.user_id, today)
    if await end_session(tx, session_id, reason="REVOKED", revocations=revocations):
        deed = Deed(action="session.revoked", resource_type="session", resource_id=session_id)
        await record(tx, Doer.of(actor, origin), deed)


async def log_out_everywhere(
    tx: TenantTransaction, *, actor: Actor, except_this: bool, origin: Origin, revocations: Revocations
) -> int:
    """Ends all sessions of the actor in the tenant where the account lives, but this one if asked; says how many."""
    but = actor.session_id if except_this else None
    ended = await end_sessions(tx, actor.user_id, reason="LOGOUT", revocations=revocations, but=but)
    deed = Deed(action="auth.logout_everywhere", resource_type="user", resource_id=actor.user_id)
    await record(tx, Doer.of(actor, origin), deed)
    return len(ended)
