"""Who somebody is once they are signed in, and what they get to prove it."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import insert, select

from libs.auth import Actor, Revocations
from libs.db import TenantTransaction
from libs.events.contracts.identity import SessionRevoked
from libs.kernel import NotFound
from subgraphs.identity.role.queries import permissions_of, roles_of
from subgraphs.identity.session.model import Revocation, Session
from subgraphs.identity.session.queries import TokenPolicy
from subgraphs.identity.user.model import User, UserStudent
from subgraphs.identity.user.queries import Contacts, publish


@dataclass(frozen=True, slots=True)
class Access:
    """A signed-in person with a fresh pair of tokens; `expires_in` is the access token's life in seconds."""

    actor: Actor
    access_token: str
    refresh_token: str
    expires_in: int


async def give_access(
    tx: TenantTransaction,
    user: User,
    *,
    session_id: UUID,
    refresh_token: str,
    today: date,
    contacts: Contacts,
    tokens: TokenPolicy,
) -> Access:
    """Signs an access token with the roles, permissions and pupils of that day.

    Raises NotFound for an erased person.
    """
    roles = (await roles_of(tx, [user.id], today))[user.id]
    own = UserStudent.user_id == user.id
    students = await tx.scalars(select(UserStudent.student_id).where(UserStudent.tenant_id == tx.tenant_id, own))
    contact = (await contacts.reveal(tx, [user])).get(user.id)
    if contact is None:
        raise NotFound
    actor = Actor(
        user_id=user.id,
        tenant_id=tx.tenant_id,
        home_tenant_id=tx.tenant_id,
        roles=tuple(role.name for role in roles),
        permissions=permissions_of(roles),
        student_ids=tuple(sorted(set(students))),
        session_id=session_id,
        version=user.ver,
        email=contact.email,
    )
    return Access(actor, tokens.issuer.issue(actor, tx.now), refresh_token, tokens.access_seconds)


async def end_session(tx: TenantTransaction, session: Session, *, reason: str, revocations: Revocations) -> None:
    """Ends a family of refresh tokens and voids its access tokens, everywhere within seconds of the commit."""
    session.ended_at = tx.now
    session.end_reason = reason
    await tx.flush()
    row = {"id": tx.new_id(), "tenant_id": tx.tenant_id, "session_id": session.id, "revoked_at": tx.now}
    await tx.execute(insert(Revocation.__table__), [row])
    tx.emit(SessionRevoked(session_id=session.id, user_id=session.user_id, reason=reason))
    ended = session.id
    tx.after_commit.append(lambda: publish(revocations, {}, [ended]))
