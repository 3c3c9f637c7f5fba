"""How passwords are kept, and tokens that travel by mail issued and taken."""

import asyncio
import base64
import hmac
import os
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import bcrypt
from sqlalchemy import delete, insert, select

from libs.db import TenantTransaction
from libs.settings import Settings, SettingsError
from subgraphs.identity.credential.model import OneTimeToken
from subgraphs.identity.credential.rules import (
    SECRET_BYTES,
    TOKEN_LIVES,
    InvalidToken,
    TokenPurpose,
    encode_token,
    token_hash,
)

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
        self._nobodys = self._hash(secrets.token_bytes(16).hex())

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


def token_row(tx: TenantTransaction, user_id: UUID, purpose: TokenPurpose) -> tuple[str, dict[str, Any]]:
    """A new token, which nothing but a mail may hold, and the row that is kept of it."""
    token = encode_token(tx.tenant_id, secrets.token_bytes(SECRET_BYTES))
    row = {"tenant_id": tx.tenant_id, "id": tx.new_id(), "user_id": user_id, "purpose": purpose.value}
    return token, row | {"token_hash": token_hash(token), "expires_at": tx.now + TOKEN_LIVES[purpose]}


async def issue_token(tx: TenantTransaction, user_id: UUID, purpose: TokenPurpose) -> tuple[str, datetime]:
    """A new token of an account and when it expires; an earlier one for the same purpose is void."""
    earlier = (OneTimeToken.tenant_id == tx.tenant_id, OneTimeToken.user_id == user_id, OneTimeToken.purpose == purpose)
    await tx.execute(delete(OneTimeToken).where(*earlier, OneTimeToken.used_at.is_(None)))
    token, row = token_row(tx, user_id, purpose)
    await tx.execute(insert(OneTimeToken.__table__), [row])
    return token, row["expires_at"]


async def take_token(tx: TenantTransaction, hashed: bytes, purpose: TokenPurpose) -> UUID:
    """Uses a token up; answers whose it is. Of two who come with it, one wins. Raises InvalidToken."""
    token = await tx.scalar(
        select(OneTimeToken)
        .where(
            OneTimeToken.tenant_id == tx.tenant_id,
            OneTimeToken.token_hash == hashed,
            OneTimeToken.purpose == purpose,
        )
        .with_for_update()
    )
    if token is None or token.used_at is not None or token.expires_at <= tx.now:
        raise InvalidToken
    token.used_at = tx.now
    await tx.flush()
    return token.user_id
