"""Sign-in, known devices and the rotation of refresh tokens."""

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import ClassVar, Final

from libs.kernel import DomainError

GRACE: Final = timedelta(seconds=10)
"""How long a spent refresh token still answers the same client: two of its requests may cross."""

DEVICE_KEPT: Final = timedelta(days=90)
"""A device that nobody used for so long is a stranger again."""


class InvalidCredentials(DomainError):
    """No such account, another password, or an account that may not sign in: the three look alike."""

    code = "INVALID_CREDENTIALS"
    texts: ClassVar = {
        "id": "Alamat e-mail atau kata sandi salah.",
        "en": "The e-mail address or the password is wrong.",
    }


class TenantSuspended(DomainError):
    """Nobody works in this school for now."""

    code = "TENANT_SUSPENDED"
    texts: ClassVar = {"id": "Sekolah ini sedang dinonaktifkan.", "en": "This school is suspended."}


def client_mark(address: str, user_agent: str) -> bytes:
    """What tells one client from another, without keeping more of it."""
    return hashlib.sha256(f"{address}\0{user_agent}".encode()).digest()


def successor(token: str, salt: bytes) -> bytes:
    """The secret that follows a spent token: known to whoever holds the token, and to nobody from the table alone."""
    return hmac.digest(salt, token.encode(), "sha256")


def is_within_grace(*, spent_at: datetime, now: datetime, same_client: bool, successor_is_living: bool) -> bool:
    """Whether a spent token is a crossed request of its own client and not a replay."""
    return same_client and successor_is_living and now - spent_at <= GRACE
