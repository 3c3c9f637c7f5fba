"""Protected fields: encrypted with a person's data key, found again by a blind index."""

import base64
import hmac
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final, Literal
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.crypto import aead
from libs.settings import Settings, SettingsError

_FORMAT: Final = b"\x01"
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_PUNCTUATION: Final = str.maketrans("", "", " -.()/\u00a0\u2010\u2011\u2013")


class DataKey:
    """The key of one person, or of one tenant. Its bytes show in no repr.

    A ciphertext is `format (1 byte)|key id (16 bytes)|nonce|ciphertext|tag`.
    """

    __slots__ = ("_cipher", "_header", "id")

    def __init__(self, key_id: UUID, key: bytes) -> None:
        self.id = key_id
        self._cipher = AESGCM(key)
        self._header = _FORMAT + key_id.bytes

    def encrypt(self, value: str, *, table: str, column: str, row_id: UUID, tenant_id: UUID) -> bytes:
        """The value, readable in this column of this row of this tenant alone."""
        return self.wrap(value.encode(), aead.context(tenant_id, table, column, row_id))

    def decrypt(self, sealed: bytes, *, table: str, column: str, row_id: UUID, tenant_id: UUID) -> str:
        """The value. Raises Undecipherable for altered bytes, another place or another key."""
        return self.unwrap(sealed, aead.context(tenant_id, table, column, row_id)).decode()

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Bytes (another key, as a rule) encrypted with this one and bound to their context."""
        return aead.encrypt(self._cipher, key, header=self._header, place=context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """What was wrapped. Raises Undecipherable for altered bytes, another context or another key."""
        return aead.decrypt(self._cipher, wrapped, header=self._header, place=context)


def normal_email(value: str) -> str:
    """The form in which two spellings of one address are equal: NFKC, case folded, without blanks around it."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold()).strip()


def normal_phone(value: str) -> str:
    """E.164. Indonesian numbers may begin with 0 or 62; blanks and punctuation do not matter.

    Raises ValueError for what is no telephone number.
    """
    digits = unicodedata.normalize("NFKC", value).translate(_PUNCTUATION)
    if digits.startswith("0"):
        digits = "+62" + digits[1:]
    elif digits.startswith("62"):
        digits = "+" + digits
    if _E164.fullmatch(digits) is None:
        raise ValueError("not a telephone number")
    return digits


Field = Literal["email", "phone", "nik", "applicant", "request", "secret"]
"""What is hashed: equal values of two fields have nothing in common. `applicant`, `request` and `secret` are what an
application is recognised by, the key its sender gave it, and what the sender alone can ask for with that key."""

_NORMAL: Final[Mapping[Field, Callable[[str], str]]] = {
    "email": normal_email,
    "phone": normal_phone,
    "nik": str.strip,
    "applicant": str.strip,
    "request": str.strip,
    "secret": str.strip,
}


class BlindIndex:
    """Finds a protected value without reading it: HMAC-SHA-256 under a key of its own.

    Raises SettingsError when `blind_index_key` is not set.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.blind_index_key is None:
            raise SettingsError("WIYATA_BLIND_INDEX_KEY: is needed")
        self._key = base64.b64decode(settings.blind_index_key.get_secret_value())

    def of(self, tenant_id: UUID, field: Field, value: str) -> bytes:
        """32 bytes, equal for equal values of one field in one tenant and telling nothing across them.

        Raises ValueError for a phone that is none.
        """
        return hmac.digest(self._key, aead.context(tenant_id, field, _NORMAL[field](value)), "sha256")
