"""What the page behind a verification's link works with: its visitor is not signed in."""

from collections.abc import Callable
from dataclasses import dataclass

from libs.auth import Revocations, system_binding
from libs.db import Database
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.audit.queries import Origin
from subgraphs.identity.credential.rules import InvalidToken
from subgraphs.identity.registration.operations.verify_email import verify_email
from subgraphs.identity.user.queries import Contacts


@dataclass(frozen=True, slots=True)
class VerificationDesk:
    """The page's one deed, in a transaction of its own. `open_revocations` is called for each, in the page's loop."""

    database: Database
    contacts: Contacts
    open_revocations: Callable[[], Revocations]

    async def verify_email(self, *, token: str, origin: Origin) -> bool:
        """Whether the token was good; then it has been used up."""
        revocations = self.open_revocations()
        try:
            async with self.database.write(system_binding(PLATFORM_TENANT_ID)) as tx:
                await verify_email(tx, token=token, origin=origin, contacts=self.contacts, revocations=revocations)
        except InvalidToken:
            return False
        finally:
            await revocations.close()
        return True
