"""Renewal of access by a refresh token, each good once."""

import secrets
from datetime import date

from sqlalchemy import select

from libs.auth import Revocations
from libs.db import TenantTransaction
from libs.events.contracts.identity import RefreshReplayDetected
from libs.kernel import PLATFORM_TENANT_ID, DomainError, NotFound
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.rules import SECRET_BYTES, InvalidToken, encode_token, read_token, token_hash
from subgraphs.identity.session.model import Session, SpentToken
from subgraphs.identity.session.queries import Access, TokenPolicy, end_session, give_access
from subgraphs.identity.session.rules import client_mark, is_within_grace, successor
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.tenant.rules import TenantStatus, today_in
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contacts
from subgraphs.identity.user.rules import UserStatus


async def refresh(
    tx: TenantTransaction,
    *,
    token: str,
    origin: Origin,
    contacts: Contacts,
    tokens: TokenPolicy,
    revocations: Revocations,
) -> Access | DomainError:
    """A fresh pair of tokens for one that was not used yet.

    A used one ends its family, unless it is a crossed request of its own client within ten seconds, which gets the
    same successor. That end has to be committed, hence InvalidToken is returned then and raised otherwise.
    """
    tenant_id, hashed = read_token(token)
    if tx.tenant_id not in (tenant_id, PLATFORM_TENANT_ID):
        raise InvalidToken
    async with tx.acting_in(tenant_id):
        session = await tx.scalar(
            select(Session).where(Session.tenant_id == tenant_id, Session.refresh_hash == hashed).with_for_update()
        )
        if session is not None:
            user, today = await _entitled(tx, session)
            next_token = await _rotate(tx, session, token, origin=origin, tokens=tokens)
        else:
            session, spent = await _find_spent(tx, hashed)
            user, today = await _entitled(tx, session)
            next_token = encode_token(tenant_id, successor(token, spent.salt))
            if not is_within_grace(
                spent_at=spent.spent_at,
                now=tx.now,
                same_client=spent.client == client_mark(origin.address, origin.user_agent),
                successor_is_living=session.refresh_hash == token_hash(next_token),
            ):
                return await _end_replayed(tx, session, origin, revocations)
        deed = Deed(action="auth.token_refreshed", resource_type="session", resource_id=session.id)
        await record(tx, Doer(user.id, tenant_id, origin), deed)
        return await give_access(
            tx,
            user,
            session_id=session.id,
            refresh_token=next_token,
            today=today,
            contacts=contacts,
            tokens=tokens,
        )


async def _entitled(tx: TenantTransaction, session: Session) -> tuple[User, date]:
    """Whose session it is and the date at their school. Raises InvalidToken unless all three may go on."""
    if session.ended_at is not None or session.expires_at <= tx.now:
        raise InvalidToken
    tenant = await tx.session.get(Tenant, tx.tenant_id)
    try:
        user = await tx.get(User, session.user_id)
    except NotFound as error:
        raise InvalidToken from error
    if user.status != UserStatus.ACTIVE or user.deleted_at is not None:
        raise InvalidToken
    if tenant is None or tenant.status != TenantStatus.ACTIVE:
        raise InvalidToken
    return user, today_in(tenant.timezone, tx.now)


async def _find_spent(tx: TenantTransaction, hashed: bytes) -> tuple[Session, SpentToken]:
    """A used token with its family, locked. A rotation that held the lock has committed: a new statement sees it."""
    found = await tx.execute(
        select(Session, SpentToken)
        .join(SpentToken, (SpentToken.tenant_id == Session.tenant_id) & (SpentToken.session_id == Session.id))
        .where(Session.tenant_id == tx.tenant_id, SpentToken.token_hash == hashed)
        .with_for_update(of=Session)
    )
    row = found.one_or_none()
    if row is None:
        raise InvalidToken
    return row[0], row[1]


async def _rotate(tx: TenantTransaction, session: Session, token: str, *, origin: Origin, tokens: TokenPolicy) -> str:
    salt = secrets.token_bytes(SECRET_BYTES)
    next_token = encode_token(tx.tenant_id, successor(token, salt))
    spent = SpentToken(
        tenant_id=tx.tenant_id,
        id=tx.new_id(),
        session_id=session.id,
        token_hash=session.refresh_hash,
        salt=salt,
        client=client_mark(origin.address, origin.user_agent),
        spent_at=tx.now,
    )
    tx.add(spent)
    session.refresh_hash = token_hash(next_token)
    session.last_used_at = tx.now
    session.expires_at = tx.now + tokens.refresh_life
    await tx.flush()
    return next_token


async def _end_replayed(
    tx: TenantTransaction, session: Session, origin: Origin, revocations: Revocations
) -> DomainError:
    await end_session(tx, session.id, reason="REPLAY", revocations=revocations)
    tx.emit(RefreshReplayDetected(session_id=session.id, user_id=session.user_id))
    deed = Deed(action="auth.replay_detected", resource_type="session", resource_id=session.id, error="replay")
    await record(tx, Doer(session.user_id, tx.tenant_id, origin), deed)
    return InvalidToken()
