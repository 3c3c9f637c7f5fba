"""Sign-in, lockout and the rotation of refresh tokens."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from libs.kernel import DomainError

GRACE: Final = timedelta(seconds=10)
"""How long a spent refresh token still answers the same client: two of its requests may cross."""

FORGOTTEN_AFTER: Final = timedelta(hours=24)
"""Failures older than this no longer count."""

_MOST_FAILURES: Final = 5
_FIRST_LOCKOUT: Final = timedelta(minutes=15)
_LONGEST_LOCKOUT: Final = timedelta(hours=24)


class InvalidCredentials(DomainError):
    """No such account, another password, or an account that may not sign in: the three look alike."""

    code = "INVALID_CREDENTIALS"
    texts: ClassVar = {
        "id": "Alamat e-mail atau kata sandi salah.",
        "en": "The e-mail address or the password is wrong.",
    }


class AccountLocked(DomainError):
    """Too many failures from this address. Data: `retry_after`, seconds."""

    code = "ACCOUNT_LOCKED"
    texts: ClassVar = {
        "id": "Terlalu banyak percobaan; coba lagi dalam {retry_after} detik.",
        "en": "Too many attempts; try again in {retry_after} seconds.",
    }


class TenantSuspended(DomainError):
    """Nobody works in this school for now."""

    code = "TENANT_SUSPENDED"
    texts: ClassVar = {"id": "Sekolah ini sedang dinonaktifkan.", "en": "This school is suspended."}


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
            seconds = int((self.locked_until - now).total_seconds()) + 1
            raise AccountLocked(retry_after=seconds)


def after_failure(before: Failures | None, now: datetime) -> Failures:
    """One failure more: the fifth in a row locks for 15 minutes, and every further lockout twice as long."""
    if before is None or now - before.last_failed_at > FORGOTTEN_AFTER:
        before = Failures(0, 0, now)
    if before.count + 1 < _MOST_FAILURES:
        return Failures(before.count + 1, before.lockouts, now, before.locked_until)
    length = min(_FIRST_LOCKOUT * 2 ** min(before.lockouts, 10), _LONGEST_LOCKOUT)
    return Failures(0, before.lockouts + 1, now, now + length)


def client_mark(address: str, user_agent: str) -> bytes:
    """What tells one client from another, without keeping more of it."""
    return hashlib.sha256(f"{address}\0{user_agent}".encode()).digest()


def successor(token: str, salt: bytes) -> bytes:
    """The secret that follows a spent token: known to whoever holds the token, and to nobody from the table alone."""
    return hmac.digest(salt, token.encode(), "sha256")


def is_within_grace(*, spent_at: datetime, now: datetime, same_client: bool, successor_is_living: bool) -> bool:
    """Whether a spent token is a crossed request of its own client and not a replay."""
    return same_client and successor_is_living and now - spent_at <= GRACE
