"""What the page behind a verification's link works with: its visitor is not signed in."""

from dataclasses import dataclass

from libs.auth import system_binding
from libs.db import Database
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.audit.queries import Origin
from subgraphs.identity.credential.rules import InvalidToken
from subgraphs.identity.registration.operations.verify_email import verify_email
from subgraphs.identity.user.queries import Contacts


@dataclass(frozen=True, slots=True)
class VerificationDesk:
    """The page's one deed, in a transaction of its own."""

    database: Database
    contacts: Contacts

    async def verify_email(self, *, token: str, origin: Origin) -> bool:
        """Whether the token was good; then it has been used up."""
        try:
            async with self.database.write(system_binding(PLATFORM_TENANT_ID)) as tx:
                await verify_email(tx, token=token, origin=origin, contacts=self.contacts)
        except InvalidToken:
            return False
        return True
