"""What the clock does to sessions: old ones are forgotten, revocations are said again."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select

from libs.auth import Revocations
from libs.db import TenantTransaction
from subgraphs.identity.session.model import Device, Revocation, Session
from subgraphs.identity.session.rules import DEVICE_KEPT
from subgraphs.identity.user.queries import publish

_KEPT_AFTER_END = timedelta(days=30)  # an ended session is evidence for a while


async def purge_sessions(tx: TenantTransaction) -> None:
    """Forgets this tenant's sessions that ended or expired a month ago, and unused devices."""
    last = tx.now - _KEPT_AFTER_END
    over = (Session.expires_at < last) | (Session.ended_at < last)
    await tx.execute(delete(Session).where(Session.tenant_id == tx.tenant_id, over))
    in_use = select(Session.id).where(
        Session.tenant_id == Device.tenant_id,
        Session.device_id == Device.id,
        Session.last_used_at >= tx.now - DEVICE_KEPT,
    )
    unused = (Device.last_used_at < tx.now - DEVICE_KEPT) & ~in_use.exists()
    await tx.execute(delete(Device).where(Device.tenant_id == tx.tenant_id, unused))


async def republish_revocations(tx: TenantTransaction, *, revocations: Revocations, life: timedelta) -> None:
    """Tells Valkey again what is revoked, of all tenants: it may have been away, or have lost it.

    `life` is that of an access token: older revocations concern no living one and are forgotten.
    """
    await tx.execute(delete(Revocation).where(Revocation.revoked_at < tx.now - 2 * life))
    rows = (await tx.execute(select(Revocation.user_id, Revocation.ver, Revocation.session_id))).all()
    versions: dict[UUID, int] = {}
    for row in rows:
        if row.user_id is not None:
            versions[row.user_id] = max(row.ver, versions.get(row.user_id, 0))
    sessions = [row.session_id for row in rows if row.session_id is not None]
    if rows:
        tx.after_commit.append(lambda: publish(revocations, versions, sessions))
