"""Ending one's own session."""

from libs.auth import Actor, Revocations
from libs.db import TenantTransaction
from libs.kernel import NotFound
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.session.model import Session
from subgraphs.identity.session.queries import end_session


async def log_out(tx: TenantTransaction, *, actor: Actor, origin: Origin, revocations: Revocations) -> None:
    """Ends the session of the actor's token, in the tenant where the account lives; ending it twice is the same.

    Raises NotFound when there is no such session.
    """
    session = await tx.get(Session, actor.session_id, lock=True)
    if session.user_id != actor.user_id:
        raise NotFound
    if await end_session(tx, session.id, reason="LOGOUT", revocations=revocations):
        deed = Deed(action="auth.logout", resource_type="session", resource_id=session.id)
        await record(tx, Doer.of(actor, origin), deed)
