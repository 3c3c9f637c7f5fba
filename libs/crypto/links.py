"""Signed links: an address that holds for a while, and for this path alone."""

import base64
import hmac
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from libs.settings import Settings, SettingsError

_KEY_BYTES: Final = 32


class SignedLinks:
    """Signs and checks paths under a key of their own, which HKDF derives from the key of blind indexes.

    Raises SettingsError when `blind_index_key` is not set.
    """

    def __init__(self, settings: Settings, *, purpose: str) -> None:
        if settings.blind_index_key is None:
            raise SettingsError("WIYATA_BLIND_INDEX_KEY: is needed")
        secret = base64.b64decode(settings.blind_index_key.get_secret_value())
        derivation = HKDF(SHA256(), _KEY_BYTES, salt=None, info=b"wiyata link: " + purpose.encode())
        self._key = derivation.derive(secret)
        self._origin = settings.public_url.rstrip("/")

    def url(self, path: str, *, until: datetime) -> str:
        """The whole address of a path, good until then."""
        expires = int(until.timestamp())
        return f"{self._origin}{path}?{urlencode({'expires': expires, 'signature': self._signature(path, expires)})}"

    def holds(self, path: str, *, expires: str, signature: str, now: datetime) -> bool:
        """Whether the address was signed for this path and still holds."""
        if not (expires.isascii() and expires.isdigit() and len(expires) <= len("9999999999")):
            return False
        genuine = hmac.compare_digest(self._signature(path, int(expires)).encode(), signature.encode())
        return genuine and now.timestamp() < int(expires)

    def _signature(self, path: str, expires: int) -> str:
        # The number comes first and has an end of its own, so that no path reads like another one with a later end.
        signed = hmac.digest(self._key, f"{expires}\n{path}".encode(), "sha256")
        return base64.urlsafe_b64encode(signed).decode().rstrip("=")
