"""Who may not even try to sign in, and how failures are counted; shared by everything that is guessed at."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from libs.db import ReadTransaction, TenantTransaction
from libs.events.contracts.identity import UnlockRequested
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.credential.queries import mail_link
from subgraphs.identity.credential.rules import TokenPurpose
from subgraphs.identity.lockout.model import AccountFailure, SignInFailure
from subgraphs.identity.lockout.rules import (
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
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import Contacts

_log = structlog.get_logger(__name__)


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


async def forget_failures(tx: TenantTransaction, email_blind: bytes) -> None:
    """Opens an account to everybody, wherever it was tried in vain."""
    for table in (SignInFailure, AccountFailure):
        await tx.execute(delete(table).where(table.tenant_id == tx.tenant_id, table.email_blind == email_blind))


async def mail_unlock(tx: TenantTransaction, user: User, contacts: Contacts) -> None:
    """Sends the link that opens an account; earlier ones are void. An erased person gets none."""
    contact = await contacts.find(tx, user)
    if contact is not None:
        await mail_link(tx, user, contact.personal(user.name), TokenPurpose.UNLOCK, UnlockRequested)


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
