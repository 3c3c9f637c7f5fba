"""What the page of locked accounts works with: it serves visitors who are not signed in."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select

from libs.auth import system_binding
from libs.db import Database
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.audit.queries import Origin
from subgraphs.identity.credential.rules import InvalidToken, read_token
from subgraphs.identity.session.operations.unlock import request_unlock, unlock_by_link
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.user.queries import Contacts


@dataclass(frozen=True, slots=True)
class School:
    """A school as the page names it."""

    id: UUID
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class UnlockDesk:
    """The page's two deeds, each in a transaction of its own."""

    database: Database
    contacts: Contacts

    async def unlock(self, *, token: str, origin: Origin) -> bool:
        """Whether the link was good; then its account is open."""
        try:
            async with self.database.write(system_binding(PLATFORM_TENANT_ID)) as tx:
                await unlock_by_link(tx, token=token, origin=origin)
        except InvalidToken:
            return False
        return True

    async def request_link(self, tenant_id: UUID, *, email: str, origin: Origin) -> None:
        """Mails a new link, or nothing; see `request_unlock`."""
        async with self.database.write(system_binding(tenant_id)) as tx:
            await request_unlock(tx, email=email, origin=origin, contacts=self.contacts)

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

    async def _find(self, which: ColumnElement[bool]) -> School | None:
        async with self.database.read(system_binding(PLATFORM_TENANT_ID)) as tx:
            row = (await tx.execute(select(Tenant.id, Tenant.slug, Tenant.name).where(which))).one_or_none()
        return None if row is None else School(*row)
