"""Who somebody is once they are signed in, and what they get to prove it."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select

from libs.auth import Actor
from libs.db import TenantTransaction
from libs.kernel import NotFound
from subgraphs.identity.role.queries import permissions_of, roles_of
from subgraphs.identity.session.queries import TokenPolicy
from subgraphs.identity.user.model import User, UserStudent
from subgraphs.identity.user.queries import Contacts


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
