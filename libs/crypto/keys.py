"""The key ring: key-encryption keys by version, from settings. They encrypt other keys and nothing else."""

import base64
import re
from collections.abc import Mapping
from typing import Final, Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.crypto import aead
from libs.settings import Settings, SettingsError

_FORMAT: Final = b"\x01"
_VERSION: Final = re.compile(r"[1-9][0-9]{0,4}")
_VERSION_BYTES: Final = 2
_HIGHEST: Final = 2 ** (8 * _VERSION_BYTES) - 1


class KeyRing:
    """Wraps with the highest version, unwraps with any it holds.

    A wrapped key is `format (1 byte)|version (2 bytes)|nonce|ciphertext|tag`.
    """

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        self._ciphers = {version: AESGCM(key) for version, key in keys.items()}
        self._newest = max(keys)

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The ring of `key_encryption_keys`. Raises SettingsError when it is empty or a version is not 1 to 65535."""
        name = "WIYATA_KEY_ENCRYPTION_KEYS"
        keys: dict[int, bytes] = {}
        for version, key in settings.key_encryption_keys.items():
            if _VERSION.fullmatch(version) is None or int(version) > _HIGHEST:
                raise SettingsError(f"{name}: a version must be a number from 1 to {_HIGHEST}")
            keys[int(version)] = base64.b64decode(key.get_secret_value())
        if not keys:
            raise SettingsError(f"{name}: at least one key is needed")
        return cls(keys)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """The key, encrypted with the newest version and bound to its context."""
        return aead.encrypt(self._ciphers[self._newest], key, header=self._header(self._newest), place=context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The key. Raises Undecipherable for altered bytes, another context or a version that is not in the ring."""
        version = int.from_bytes(wrapped[len(_FORMAT) : len(_FORMAT) + _VERSION_BYTES], "big")
        cipher = self._ciphers.get(version)
        if cipher is None:
            raise aead.Undecipherable
        return aead.decrypt(cipher, wrapped, header=self._header(version), place=context)

    @staticmethod
    def _header(version: int) -> bytes:
        return _FORMAT + version.to_bytes(_VERSION_BYTES, "big")
