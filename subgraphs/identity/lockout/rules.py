"""When failed sign-ins close an account: from one address, from anywhere, or an address for all accounts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final
from uuid import UUID

from libs.kernel import DomainError

FORGOTTEN_AFTER: Final = timedelta(hours=24)
"""Failures older than this no longer count."""

LINK_PAUSE: Final = timedelta(minutes=5)
"""No second link to open an account is mailed sooner than this after the first."""

STUFFING_WINDOW: Final = timedelta(minutes=15)
STUFFING_LOCKOUT: Final = timedelta(minutes=15)
STUFFED_ACCOUNTS: Final = 30
"""So many accounts that failed from one address within the window, and did not get in after all, are nobody's typing.

A school sits behind one address: a lesson of 36 who all sign in for the first time makes a handful of failures, and who
gets in takes theirs back.
"""

EVERY_ACCOUNT: Final = b""
"""Stands for the blind index of an account where an address is locked for all of them."""

_MOST_FROM_ANYWHERE: Final = 50
_ACCOUNT_WINDOW: Final = timedelta(hours=1)
_MOST_FAILURES: Final = 5
_FIRST_LOCKOUT: Final = timedelta(minutes=15)
_LONGEST_LOCKOUT: Final = timedelta(hours=24)


class AccountLocked(DomainError):
    """Too many failures. Data: `retry_after`, seconds, and `by_mail`: waiting does not help, a mailed link does."""

    code = "ACCOUNT_LOCKED"
    texts: ClassVar = {
        "id": "Terlalu banyak percobaan; coba lagi dalam {retry_after} detik.",
        "en": "Too many attempts; try again in {retry_after} seconds.",
    }
    _by_mail: ClassVar = {
        "id": "Terlalu banyak percobaan; buka kunci akun dengan tautan yang dikirim lewat e-mail.",
        "en": "Too many attempts; unlock the account with the link that was sent by e-mail.",
    }

    def message(self, language: str = "id") -> str:
        """The text for people, by what opens the account."""
        texts = self._by_mail if self.data["by_mail"] else self.texts
        return str(texts.get(language, texts["id"])).format(**self.data)


def locked_until(until: datetime, now: datetime) -> AccountLocked:
    """What refuses an attempt while a lockout lasts."""
    return AccountLocked(retry_after=int((until - now).total_seconds()) + 1, by_mail=False)


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed sign-ins of one account from one address: in a row since the last lockout, and lockouts so far."""

    count: int
    lockouts: int
    last_failed_at: datetime
    locked_until: datetime | None = None

    def check(self, now: datetime) -> None:
        """Raises AccountLocked while the lockout lasts."""
        if self.locked_until is not None and now < self.locked_until:
            raise locked_until(self.locked_until, now)


def after_failure(before: Failures | None, now: datetime) -> Failures:
    """One failure more: the fifth in a row locks for 15 minutes, and every further lockout twice as long."""
    if before is None or now - before.last_failed_at > FORGOTTEN_AFTER:
        before = Failures(0, 0, now)
    if before.count + 1 < _MOST_FAILURES:
        return Failures(before.count + 1, before.lockouts, now, before.locked_until)
    length = min(_FIRST_LOCKOUT * 2 ** min(before.lockouts, 10), _LONGEST_LOCKOUT)
    return Failures(0, before.lockouts + 1, now, now + length)


@dataclass(frozen=True, slots=True)
class AccountFailures:
    """Failed sign-ins of one account from anywhere but its known devices, since the hour began."""

    count: int
    since: datetime
    locked_at: datetime | None = None

    def check(self) -> None:
        """Raises AccountLocked once there were too many, until somebody opens the account."""
        if self.locked_at is not None:
            raise AccountLocked(retry_after=0, by_mail=True)


def after_account_failure(before: AccountFailures, now: datetime) -> AccountFailures:
    """One failure more: the fiftieth within an hour locks the account."""
    if now - before.since > _ACCOUNT_WINDOW:
        before = AccountFailures(0, now)
    count = before.count + 1
    return AccountFailures(count, before.since, now if count >= _MOST_FROM_ANYWHERE else None)


def device_place(device_id: UUID) -> str:
    """Where the failures of a known device count: by themselves, whatever strangers do at its address."""
    return f"device:{device_id}"
