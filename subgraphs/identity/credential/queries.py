"""How passwords are judged and kept, tokens that travel by mail issued and taken, and the school of a link found."""

import asyncio
import base64
import hmac
import os
import secrets
import unicodedata
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import bcrypt
from sqlalchemy import ColumnElement, func, insert, select, update
from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]

from libs.auth import system_binding
from libs.db import Database, ReadTransaction, TenantTransaction
from libs.events import Event
from libs.kernel import PLATFORM_TENANT_ID
from libs.settings import Settings, SettingsError
from subgraphs.identity.credential.model import OneTimeToken
from subgraphs.identity.credential.rules import (
    SECRET_BYTES,
    TOKEN_LIVES,
    InvalidToken,
    PasswordPolicy,
    TokenPurpose,
    check_password,
    encode_token,
    read_token,
    token_hash,
)
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.user.model import User

COMMON: Final = frozenset(FREQUENCY_LISTS["passwords"])
"""The 30,000 passwords that leaks of the whole world hold most often, in lower case."""

_MOST_THREADS: Final = 4
_MOST_MAILS: Final = 3
_MAIL_WINDOW: Final = timedelta(hours=1)
_EVEN_SECONDS: Final = 0.5  # longer than it takes to find an account, write its token and seal its event


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


async def password_policy(tx: ReadTransaction) -> PasswordPolicy:
    """What the transaction's school demands of passwords."""
    tenant = await tx.session.get(Tenant, tx.tenant_id)
    return PasswordPolicy.stored(tenant.password_policy if tenant is not None else {})


async def check_new_password(tx: ReadTransaction, password: str, *, name: str, email: str) -> None:
    """Raises WeakPassword when a password breaks a rule of the transaction's school for this person."""
    check_password(password, name=name, email=email, policy=await password_policy(tx), common=COMMON)


def token_row(tx: TenantTransaction, user_id: UUID, purpose: TokenPurpose) -> tuple[str, dict[str, Any]]:
    """A new token, which nothing but a mail may hold, and the row that is kept of it."""
    token = new_token(tx)
    row = {
        "tenant_id": tx.tenant_id,
        "id": tx.new_id(),
        "user_id": user_id,
        "purpose": purpose.value,
        "token_hash": token_hash(token),
        "expires_at": tx.now + TOKEN_LIVES[purpose],
        "created_at": tx.now,
    }
    return token, row


async def void_tokens(tx: TenantTransaction, user_id: UUID) -> None:
    """Makes every token void that was mailed to an account and has not been used."""
    mine = (OneTimeToken.tenant_id == tx.tenant_id, OneTimeToken.user_id == user_id)
    living = (OneTimeToken.used_at.is_(None), OneTimeToken.expires_at > tx.now)
    void = update(OneTimeToken).where(*mine, *living).values(expires_at=_before_any_use(tx))
    await tx.execute(void.execution_options(synchronize_session=False))


def _before_any_use(tx: TenantTransaction) -> ColumnElement[datetime]:
    """When a void token expired: before it was mailed, so that whoever began to use it a moment ago comes too late."""
    return func.least(OneTimeToken.created_at, tx.now)


async def issue_token(tx: TenantTransaction, user_id: UUID, purpose: TokenPurpose) -> tuple[str, datetime]:
    """A new token of an account and when it expires; an earlier one for the same purpose is void.

    It stays as a row, so that `tokens_since` counts it.
    """
    void = (OneTimeToken.used_at.is_(None), OneTimeToken.expires_at > tx.now)
    voided = {"expires_at": _before_any_use(tx)}
    earlier = update(OneTimeToken).where(*_tokens_of(tx, user_id, purpose), *void).values(voided)
    await tx.execute(earlier.execution_options(synchronize_session=False))
    token, row = token_row(tx, user_id, purpose)
    await tx.execute(insert(OneTimeToken.__table__), [row])
    return token, row["expires_at"]


async def mail_link(
    tx: TenantTransaction,
    user: User,
    personal: Mapping[str, str],
    purpose: TokenPurpose,
    contract: Callable[..., Event],
) -> None:
    """Asks for the mail that brings an account a new token; earlier ones for the same purpose are void."""
    token, expires_at = await issue_token(tx, user.id, purpose)
    tx.emit(
        contract(
            user_id=user.id,
            language=user.language,
            expires_at=expires_at,
            personal=personal,
            secret={"token": token},
        )
    )


async def tokens_since(tx: ReadTransaction, user_id: UUID, purpose: TokenPurpose, since: datetime) -> int:
    """How many tokens of an account were issued since then: nobody is to be flooded with mails."""
    issued = (*_tokens_of(tx, user_id, purpose), OneTimeToken.created_at > since)
    return await tx.scalar(select(func.count()).select_from(OneTimeToken).where(*issued)) or 0


def _tokens_of(tx: ReadTransaction, user_id: UUID, purpose: TokenPurpose) -> tuple[Any, ...]:
    return (OneTimeToken.tenant_id == tx.tenant_id, OneTimeToken.user_id == user_id, OneTimeToken.purpose == purpose)


async def has_had_enough(tx: ReadTransaction, user_id: UUID, purpose: TokenPurpose) -> bool:
    """Whether an account was mailed three links for a purpose within the hour, whoever asked for them."""
    return await tokens_since(tx, user_id, purpose, tx.now - _MAIL_WINDOW) >= _MOST_MAILS


def new_token(tx: TenantTransaction) -> str:
    """A token of the transaction's tenant that nobody guesses: see `encode_token`."""
    return encode_token(tx.tenant_id, secrets.token_bytes(SECRET_BYTES))


def answer_evenly(tx: TenantTransaction) -> None:
    """Makes what a stranger asks take the same time, whatever was found: the rest of it passes after the commit.

    No connection is held meanwhile.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + _EVEN_SECONDS

    async def wait() -> None:
        await asyncio.sleep(until - loop.time())

    tx.after_commit.append(wait)


async def take_token(tx: TenantTransaction, hashed: bytes, *purposes: TokenPurpose) -> UUID:
    """Uses a token up; answers whose it is. Of two who come with it, one wins. Raises InvalidToken."""
    token = await tx.scalar(
        select(OneTimeToken)
        .where(
            OneTimeToken.tenant_id == tx.tenant_id,
            OneTimeToken.token_hash == hashed,
            OneTimeToken.purpose.in_(purposes),
        )
        .with_for_update()
    )
    if token is None or token.used_at is not None or token.expires_at <= tx.now:
        raise InvalidToken
    token.used_at = tx.now
    await tx.flush()
    return token.user_id


@dataclass(frozen=True, slots=True)
class School:
    """A school as pages name it, and what it demands of passwords."""

    id: UUID
    slug: str
    name: str
    policy: PasswordPolicy


async def linked_school(database: Database, token: str) -> School | None:
    """The school that a mailed link is about, be it used or expired; None for what is no link."""
    try:
        tenant_id, _ = read_token(token)
    except InvalidToken:
        return None
    return await _school(database, Tenant.id == tenant_id)


async def named_school(database: Database, name: str) -> School | None:
    """The school with that slug or, where none has it, that NPSN, whatever its case."""
    return await _school(database, Tenant.slug == name.lower()) or await _school(database, Tenant.npsn == name.upper())


async def _school(database: Database, which: ColumnElement[bool]) -> School | None:
    async with database.read(system_binding(PLATFORM_TENANT_ID)) as tx:
        columns = (Tenant.id, Tenant.slug, Tenant.name, Tenant.password_policy)
        row = (await tx.execute(select(*columns).where(which))).one_or_none()
    return None if row is None else School(row.id, row.slug, row.name, PasswordPolicy.stored(row.password_policy))
