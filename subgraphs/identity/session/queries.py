"""What the aggregates of identity share about sessions: their tokens, and how they end."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from libs.auth import Actor, Revocations, TokenIssuer
from libs.db import ReadTransaction, TenantTransaction
from libs.events.contracts.identity import SessionRevoked
from libs.settings import Settings
from subgraphs.identity.credential.rules import Duty
from subgraphs.identity.role.queries import RoleState, permissions_of, roles_of
from subgraphs.identity.second_factor.queries import is_demanded, second_factors_of
from subgraphs.identity.session.model import Device, Revocation, Session
from subgraphs.identity.user.model import User, UserStudent
from subgraphs.identity.user.queries import Contacts, publish


class TokenPolicy:
    """Signs access tokens, and says how long they and refresh tokens live. Raises SettingsError for a bad key set."""

    def __init__(self, settings: Settings) -> None:
        self.issuer = TokenIssuer(settings)
        self.access_seconds = settings.access_token_seconds
        self.refresh_life = timedelta(seconds=settings.refresh_token_seconds)


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
    """Signs an access token with the roles, permissions, duties and pupils of that day.

    Raises NotFound for an erased person.
    """
    roles = (await roles_of(tx, [user.id], today))[user.id]
    names = tuple(role.name for role in roles)
    own = UserStudent.user_id == user.id
    students = await tx.scalars(select(UserStudent.student_id).where(UserStudent.tenant_id == tx.tenant_id, own))
    contact = await contacts.get(tx, user)
    actor = Actor(
        user_id=user.id,
        tenant_id=tx.tenant_id,
        home_tenant_id=tx.tenant_id,
        roles=names,
        permissions=permissions_of(roles),
        student_ids=tuple(sorted(set(students))),
        session_id=session_id,
        version=user.ver,
        email=contact.email,
        pending=await _duties_of(tx, user, roles),
    )
    return Access(actor, tokens.issuer.issue(actor, tx.now), refresh_token, tokens.access_seconds)


async def _duties_of(tx: ReadTransaction, user: User, roles: Collection[RoleState]) -> frozenset[str]:
    """What an account with these roles has to do before anything else: `Actor.pending`."""
    duties = {Duty.PASSWORD_CHANGE} if user.must_change_password else set()
    if await is_demanded(tx, roles) and not await second_factors_of(tx, [user.id]):
        duties.add(Duty.SECOND_FACTOR)
    return frozenset(duty.value for duty in duties)


@dataclass(frozen=True, slots=True)
class LivingSession:
    """A session that goes on; `current` is the one that asks."""

    id: UUID
    device: str | None
    address: str | None
    user_agent: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool


async def living_sessions(
    tx: ReadTransaction, user_ids: Collection[UUID], *, asking: UUID
) -> dict[UUID, list[LivingSession]]:
    """The sessions of these accounts that go on, the one used last first; nobody is missing from the answer."""
    columns = (Session.id, Session.device, Session.address, Session.user_agent)
    moments = (Session.created_at, Session.last_used_at, Session.expires_at)
    statement = (
        select(Session.user_id, *columns, *moments, (Session.id == asking).label("current"))
        .where(
            Session.tenant_id == tx.tenant_id,
            Session.user_id.in_(user_ids),
            Session.ended_at.is_(None),
            Session.expires_at > tx.now,
        )
        .order_by(Session.last_used_at.desc(), Session.id)
    )
    found: dict[UUID, list[LivingSession]] = {user_id: [] for user_id in user_ids}
    for user_id, *session in await tx.execute(statement):
        found[user_id].append(LivingSession(*session))
    return found


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device that somebody signed in with."""

    id: UUID
    name: str | None
    last_used_at: datetime


async def known_devices(tx: ReadTransaction, user_ids: Collection[UUID]) -> dict[UUID, list[KnownDevice]]:
    """The devices of these accounts, the one used last first; using its session is using the device."""
    used = func.greatest(Device.last_used_at, func.max(Session.last_used_at)).label("used")
    statement = (
        select(Device.user_id, Device.id, Device.name, used)
        .outerjoin(Session, (Session.tenant_id == Device.tenant_id) & (Session.device_id == Device.id))
        .where(Device.tenant_id == tx.tenant_id, Device.user_id.in_(user_ids))
        .group_by(Device.tenant_id, Device.id)
        .order_by(used.desc(), Device.id)
    )
    found: dict[UUID, list[KnownDevice]] = {user_id: [] for user_id in user_ids}
    for user_id, *device in await tx.execute(statement):
        found[user_id].append(KnownDevice(*device))
    return found


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
