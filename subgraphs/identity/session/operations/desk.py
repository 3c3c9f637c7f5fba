"""What the page of locked accounts works with: it serves visitors who are not signed in."""

from dataclasses import dataclass
from uuid import UUID

from libs.auth import system_binding
from libs.db import Database
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.audit.queries import Origin
from subgraphs.identity.credential.rules import InvalidToken, read_token
from subgraphs.identity.session.operations.unlock import request_unlock, unlock_by_link
from subgraphs.identity.user.queries import Contacts


@dataclass(frozen=True, slots=True)
class UnlockDesk:
    """The page's two deeds, each in a transaction of its own."""

    database: Database
    contacts: Contacts

    async def unlock(self, *, token: str, origin: Origin) -> None:
        """Raises InvalidToken."""
        async with self.database.write(system_binding(PLATFORM_TENANT_ID)) as tx:
            await unlock_by_link(tx, token=token, origin=origin)

    async def request_link(self, tenant_id: UUID, *, email: str, origin: Origin) -> None:
        """Mails a new link, or nothing; see `request_unlock`."""
        async with self.database.write(system_binding(tenant_id)) as tx:
            await request_unlock(tx, email=email, origin=origin, contacts=self.contacts)

    def school_of(self, token: str) -> UUID | None:
        """The school that a link is about, be it used or expired; None for what is no link."""
        try:
            return read_token(token)[0]
        except InvalidToken:
            return None
