"""AES-256-GCM with a header: `header|nonce|ciphertext|tag`, bound to the place where it lies."""

import os
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16


class Undecipherable(Exception):
    """The bytes were altered, moved from another place, or encrypted with a key that is not (or no longer) there."""


def new_key() -> bytes:
    """32 random bytes."""
    return os.urandom(KEY_BYTES)


def context(*parts: str | UUID) -> bytes:
    """Where a ciphertext lies, as bytes: no two different sequences of parts give the same ones."""
    encoded = (part.bytes if isinstance(part, UUID) else part.encode() for part in parts)
    return b"".join(len(part).to_bytes(2, "big") + part for part in encoded)


def encrypt(cipher: AESGCM, plain: bytes, *, header: bytes, place: bytes) -> bytes:
    """`header|nonce|ciphertext|tag`; header and place are authenticated, the place is not stored."""
    nonce = os.urandom(_NONCE_BYTES)
    return header + nonce + cipher.encrypt(nonce, plain, header + place)


def decrypt(cipher: AESGCM, sealed: bytes, *, header: bytes, place: bytes) -> bytes:
    """What `encrypt` was given. Raises Undecipherable when anything differs."""
    start = len(header)
    if sealed[:start] != header or len(sealed) < start + _NONCE_BYTES + _TAG_BYTES:
        raise Undecipherable
    nonce, body = sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :]
    try:
        return cipher.decrypt(nonce, body, header + place)
    except InvalidTag:
        raise Undecipherable from None
