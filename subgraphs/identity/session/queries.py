"""What the aggregates of identity share about sessions: their tokens, how they end, who may not even try."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from libs.auth import Actor, Revocations, TokenIssuer
from libs.db import ReadTransaction, TenantTransaction
from libs.events.contracts.identity import SessionRevoked
from libs.kernel import NotFound
from libs.settings import Settings
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.queries import duties_of
from subgraphs.identity.role.queries import permissions_of, roles_of
from subgraphs.identity.session.model import AccountFailure, Device, Revocation, Session, SignInFailure
from subgraphs.identity.session.rules import (
    EVERY_ACCOUNT,
    STUFFED_ACCOUNTS,
    STUFFING_LOCKOUT,
    STUFFING_WINDOW,
    AccountFailures,
    Failures,
    after_account_failure,
    after_failure,
    device_place,
    locked_until,
)
from subgraphs.identity.user.model import User, UserStudent
from subgraphs.identity.user.queries import Contacts, publish

_log = structlog.get_logger(__name__)


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
    demanding = {name for role in roles for name in role.names}  # what a role is demanded, its heirs are too
    own = UserStudent.user_id == user.id
    students = await tx.scalars(select(UserStudent.student_id).where(UserStudent.tenant_id == tx.tenant_id, own))
    contact = (await contacts.reveal(tx, [user])).get(user.id)
    if contact is None:
        raise NotFound
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
        pending=await duties_of(tx, user.id, demanding, must_change_password=user.must_change_password),
    )
    return Access(actor, tokens.issuer.issue(actor, tx.now), refresh_token, tokens.access_seconds)


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


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to sign in to an account (existing or not: its blind index), from an address or a known device."""

    email_blind: bytes
    address: str
    device_id: UUID | None

    @property
    def place(self) -> str:
        """Where its failure counts."""
        return self.address if self.device_id is None else device_place(self.device_id)


async def check_lockouts(tx: ReadTransaction, attempt: Attempt, *, lock: bool = False) -> None:
    """Raises AccountLocked. With `lock`, tries of the same account wait here for each other.

    What strangers did to the account, or from the same address, does not concern a known device.
    """
    own = select(*_FAILURES).where(*_row(tx, attempt.email_blind, attempt.place))
    row = (await tx.execute(own.with_for_update() if lock else own)).one_or_none()
    if attempt.device_id is None:
        await _check_strangers(tx, attempt, lock=lock)
    if row is not None:
        Failures(*row).check(tx.now)


async def _check_strangers(tx: ReadTransaction, attempt: Attempt, *, lock: bool) -> None:
    whole = select(*_ACCOUNT_FAILURES).where(*_account(tx, attempt))
    row = (await tx.execute(whole.with_for_update() if lock else whole)).one_or_none()
    if row is not None:
        AccountFailures(*row).check()
    every = (*_row(tx, EVERY_ACCOUNT, attempt.address), SignInFailure.locked_until > tx.now)
    until = await tx.scalar(select(SignInFailure.locked_until).where(*every))
    if until is not None:
        raise locked_until(until, tx.now)


async def count_failure(tx: TenantTransaction, attempt: Attempt, origin: Origin) -> bool:
    """Counts one failure; answers whether it was the one that locks the account until a mailed link opens it.

    Failures sent at once count one after the other. Raises AccountLocked when those before were enough.
    """
    key = {"tenant_id": tx.tenant_id, "email_blind": attempt.email_blind, "address": attempt.place}
    first = {"id": tx.new_id(), "failures": 0, "lockouts": 0, "last_failed_at": tx.now}
    own = insert(SignInFailure.__table__).values(key | first)
    own = own.on_conflict_do_update(
        index_elements=list(key), set_={"failures": SignInFailure.failures}
    )  # which locks the row that is there
    before = Failures(*(await tx.execute(own.returning(*_FAILURES))).one())
    before.check(tx.now)
    after = after_failure(before, tx.now)
    values = {
        "failures": after.count,
        "lockouts": after.lockouts,
        "last_failed_at": after.last_failed_at,
        "locked_until": after.locked_until,
    }
    await tx.execute(_changing(SignInFailure).where(*_row(tx, attempt.email_blind, attempt.place)).values(values))
    if attempt.device_id is not None:
        return False
    is_locked = await _count_for_account(tx, attempt)
    await _watch_address(tx, attempt, origin)
    return is_locked


async def _count_for_account(tx: TenantTransaction, attempt: Attempt) -> bool:
    key = {"tenant_id": tx.tenant_id, "email_blind": attempt.email_blind}
    whole = insert(AccountFailure.__table__).values(key | {"id": tx.new_id(), "failures": 0, "since": tx.now})
    whole = whole.on_conflict_do_update(index_elements=list(key), set_={"failures": AccountFailure.failures})
    before = AccountFailures(*(await tx.execute(whole.returning(*_ACCOUNT_FAILURES))).one())
    before.check()
    after = after_account_failure(before, tx.now)
    values = {"failures": after.count, "since": after.since, "locked_at": after.locked_at}
    await tx.execute(_changing(AccountFailure).where(*_account(tx, attempt)).values(values))
    return after.locked_at is not None


async def _watch_address(tx: TenantTransaction, attempt: Attempt, origin: Origin) -> None:
    """Locks an address out, for unknown devices, that fails at one account after another: once in a window."""
    failed = (
        select(SignInFailure.id)
        .where(
            SignInFailure.tenant_id == tx.tenant_id,
            SignInFailure.address == attempt.address,
            SignInFailure.last_failed_at > tx.now - STUFFING_WINDOW,
            SignInFailure.email_blind != EVERY_ACCOUNT,
        )
        .limit(STUFFED_ACCOUNTS)
        .subquery()
    )
    if (await tx.scalar(select(func.count()).select_from(failed)) or 0) < STUFFED_ACCOUNTS:
        return
    key = {"tenant_id": tx.tenant_id, "email_blind": EVERY_ACCOUNT, "address": attempt.address}
    lockout = {"last_failed_at": tx.now, "locked_until": tx.now + STUFFING_LOCKOUT}
    every = insert(SignInFailure.__table__).values(key | lockout | {"id": tx.new_id(), "failures": 0, "lockouts": 1})
    every = every.on_conflict_do_update(
        index_elements=list(key), set_=lockout, where=SignInFailure.locked_until <= tx.now
    )
    if (await tx.execute(every.returning(SignInFailure.id))).one_or_none() is None:
        return  # somebody else has just locked it
    found = {"accounts": STUFFED_ACCOUNTS, "minutes": STUFFING_WINDOW.seconds // 60}
    deed = Deed(action="auth.credential_stuffing", new_values=found, error="credential_stuffing")
    await record(tx, Doer(None, tx.tenant_id, origin), deed)
    tenant_id = tx.tenant_id

    async def tell() -> None:
        _log.warning("credential_stuffing", tenant_id=tenant_id, count=STUFFED_ACCOUNTS)

    tx.after_commit.append(tell)


async def take_back_failures(tx: TenantTransaction, attempt: Attempt) -> None:
    """Who got in after all has not failed from where they are."""
    await tx.execute(delete(SignInFailure).where(*_row(tx, attempt.email_blind, attempt.place)))


_FAILURES: Any = (
    SignInFailure.failures,
    SignInFailure.lockouts,
    SignInFailure.last_failed_at,
    SignInFailure.locked_until,
)

_ACCOUNT_FAILURES: Any = (AccountFailure.failures, AccountFailure.since, AccountFailure.locked_at)


def _account(tx: ReadTransaction, attempt: Attempt) -> tuple[Any, ...]:
    return AccountFailure.tenant_id == tx.tenant_id, AccountFailure.email_blind == attempt.email_blind


def _row(tx: ReadTransaction, email_blind: bytes, place: str) -> tuple[Any, ...]:
    return (
        SignInFailure.tenant_id == tx.tenant_id,
        SignInFailure.email_blind == email_blind,
        SignInFailure.address == place,
    )


def _changing(model: type[Any]) -> Any:
    return update(model).execution_options(synchronize_session=False)
