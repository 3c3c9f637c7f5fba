"""Hashing of passwords: bcrypt over a peppered HMAC, in a few threads of its own."""

import asyncio
import base64
import hmac
import os
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import bcrypt

from libs.settings import Settings, SettingsError

_MOST_THREADS: Final = 4


class PasswordHasher:
    """bcrypt over base64(HMAC-SHA-384): 64 bytes, so that bcrypt's 72 never cut a password short.

    A stolen table is worth nothing without the pepper from settings. Raises SettingsError when that is not set.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.password_pepper is None:
            raise SettingsError("WIYATA_PASSWORD_PEPPER: is needed")
        self._pepper = base64.b64decode(settings.password_pepper.get_secret_value())
        self._cost = settings.bcrypt_cost
        # bcrypt lets go of the interpreter's lock: as many at once as there are cores, and the rest of them wait here.
        threads = min(_MOST_THREADS, os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="bcrypt")
        self._nobodys = self._hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """The hash to store."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hash, password)

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the one. Without a hash the answer is no, and takes the same time."""
        loop = asyncio.get_running_loop()
        matches = await loop.run_in_executor(self._threads, self._verify, password, hashed or self._nobodys)
        return matches and hashed is not None

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _hash(self, password: str) -> str:
        return bcrypt.hashpw(self._peppered(password), bcrypt.gensalt(self._cost)).decode()

    def _verify(self, password: str, hashed: str) -> bool:
        return bcrypt.checkpw(self._peppered(password), hashed.encode())

    def _peppered(self, password: str) -> bytes:
        # One password typed on two keyboards may arrive in two forms of Unicode.
        normal = unicodedata.normalize("NFKC", password).encode()
        return base64.b64encode(hmac.digest(self._pepper, normal, "sha384"))
