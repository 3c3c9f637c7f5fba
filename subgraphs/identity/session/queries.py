"""What the aggregates of identity share about sessions: how long their tokens live, and how they end."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from libs.auth import Revocations, TokenIssuer
from libs.db import TenantTransaction
from libs.events.contracts.identity import SessionRevoked
from libs.settings import Settings
from subgraphs.identity.session.model import Revocation, Session
from subgraphs.identity.user.queries import publish


class TokenPolicy:
    """Signs access tokens, and says how long they and refresh tokens live. Raises SettingsError for a bad key set."""

    def __init__(self, settings: Settings) -> None:
        self.issuer = TokenIssuer(settings)
        self.access_seconds = settings.access_token_seconds
        self.refresh_life = timedelta(seconds=settings.refresh_token_seconds)


async def end_session(tx: TenantTransaction, session_id: UUID, *, reason: str, revocations: Revocations) -> bool:
    """Ends a family of refresh tokens and voids its access tokens, everywhere within seconds of the commit.

    `reason` is one of LOGOUT, REVOKED, REPLAY, PASSWORD, STATUS. Answers whether it was living.
    """
    return bool(await _end(tx, Session.id == session_id, reason=reason, revocations=revocations))


async def end_sessions(
    tx: TenantTransaction, user_id: UUID, *, reason: str, revocations: Revocations, but: UUID | None = None
) -> list[UUID]:
    """Ends all living sessions of an account, `but` one, like `end_session`; answers which they were.

    Whoever changes an account raises its version first (`raise_versions`): a renewal that holds a session's lock
    meanwhile answers with a token that is void already.
    """
    whose = Session.user_id == user_id
    which = whose if but is None else whose & (Session.id != but)
    return await _end(tx, which, reason=reason, revocations=revocations)


async def end_device_sessions(
    tx: TenantTransaction, device_id: UUID, *, reason: str, revocations: Revocations
) -> list[UUID]:
    """Ends all living sessions of a device, like `end_session`; answers which they were."""
    return await _end(tx, Session.device_id == device_id, reason=reason, revocations=revocations)


async def _end(tx: TenantTransaction, which: Any, *, reason: str, revocations: Revocations) -> list[UUID]:
    living = (Session.tenant_id == tx.tenant_id, which, Session.ended_at.is_(None), Session.expires_at > tx.now)
    # Locked in one order, so that two who end the same sessions do not wait for each other.
    locked = select(Session.id).where(*living).order_by(Session.id).with_for_update().scalar_subquery()
    statement = (
        update(Session)
        .where(Session.tenant_id == tx.tenant_id, Session.id.in_(locked))
        .values(ended_at=tx.now, end_reason=reason)
        .returning(Session.id, Session.user_id)
        .execution_options(synchronize_session=False)
    )
    ended = {row.id: row.user_id for row in await tx.execute(statement)}
    if not ended:
        return []
    about = {"tenant_id": tx.tenant_id, "revoked_at": tx.now}
    rows = [about | {"id": tx.new_id(), "session_id": session} for session in ended]
    await tx.execute(insert(Revocation.__table__), rows)
    for session, user in ended.items():
        tx.emit(SessionRevoked(session_id=session, user_id=user, reason=reason))
    tx.after_commit.append(lambda: publish(revocations, {}, list(ended)))
    return list(ended)
