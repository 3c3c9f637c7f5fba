"""What the page of locked accounts works with: it serves visitors who are not signed in."""

from dataclasses import dataclass
from uuid import UUID

from libs.auth import system_binding
from libs.db import Database
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.audit.queries import Origin
from subgraphs.identity.credential.queries import School, linked_school, named_school
from subgraphs.identity.credential.rules import InvalidToken
from subgraphs.identity.lockout.operations.unlock import request_unlock, unlock_by_link
from subgraphs.identity.user.queries import Contacts

__all__ = ["School", "UnlockDesk"]


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
        """See `linked_school`."""
        return await linked_school(self.database, token)

    async def find_school(self, name: str) -> School | None:
        """See `named_school`."""
        return await named_school(self.database, name)
