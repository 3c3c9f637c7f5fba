"""What the pages under /account work with: they serve visitors who are not signed in."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select

from libs.auth import Actor, Revocations, system_binding
from libs.db import Database
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.audit.queries import Origin
from subgraphs.identity.credential.operations.accept_invitation import accept_invitation, hash_first_password
from subgraphs.identity.credential.operations.reset_password import (
    hash_reset_password,
    request_password_reset,
    reset_password,
)
from subgraphs.identity.credential.queries import PasswordHasher
from subgraphs.identity.credential.rules import InvalidToken, PasswordPolicy, read_token
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.user.queries import Contacts


@dataclass(frozen=True, slots=True)
class School:
    """A school as its pages name it, and what it demands of passwords."""

    id: UUID
    slug: str
    name: str
    policy: PasswordPolicy


@dataclass(frozen=True, slots=True)
class Desk:
    """Each page's one deed, in a transaction of its own. `open_revocations` is called for each, in the page's loop."""

    database: Database
    contacts: Contacts
    hasher: PasswordHasher
    open_revocations: Callable[[], Revocations]

    async def school_of(self, token: str) -> School | None:
        """The school that a link is about, be it used or expired; None for what is no link."""
        try:
            tenant_id, _ = read_token(token)
        except InvalidToken:
            return None
        return await self._find(Tenant.id == tenant_id)

    async def find_school(self, name: str) -> School | None:
        """The school with that slug or NPSN."""
        return await self._find(Tenant.slug == name) or await self._find(Tenant.npsn == name.upper())

    async def accept_invitation(self, *, token: str, password: str, origin: Origin) -> None:
        """Raises InvalidToken and WeakPassword."""
        hashed = await hash_first_password(
            self.database, token=token, password=password, contacts=self.contacts, hasher=self.hasher
        )
        await self._set(accept_invitation, token, hashed, origin)

    async def reset_password(self, *, token: str, password: str, origin: Origin) -> None:
        """Raises InvalidToken and WeakPassword."""
        hashed = await hash_reset_password(
            self.database, token=token, password=password, contacts=self.contacts, hasher=self.hasher
        )
        await self._set(reset_password, token, hashed, origin)

    async def request_password_reset(self, school: School, *, email: str, origin: Origin) -> None:
        """Mails a link, or nothing; see `request_password_reset`."""
        async with self.database.write(system_binding(school.id)) as tx:
            await request_password_reset(tx, email=email, origin=origin, contacts=self.contacts)

    async def _set(self, operation: Callable[..., Awaitable[Actor]], token: str, hashed: str, origin: Origin) -> None:
        """In the platform's transaction: a link names no school."""
        revocations = self.open_revocations()
        try:
            async with self.database.write(system_binding(PLATFORM_TENANT_ID)) as tx:
                await operation(
                    tx,
                    token=token,
                    password_hash=hashed,
                    origin=origin,
                    contacts=self.contacts,
                    revocations=revocations,
                )
        finally:
            await revocations.close()

    async def _find(self, which: ColumnElement[bool]) -> School | None:
        async with self.database.read(system_binding(PLATFORM_TENANT_ID)) as tx:
            columns = (Tenant.id, Tenant.slug, Tenant.name, Tenant.password_policy)
            row = (await tx.execute(select(*columns).where(which))).one_or_none()
        return None if row is None else School(row.id, row.slug, row.name, PasswordPolicy.stored(row.password_policy))
