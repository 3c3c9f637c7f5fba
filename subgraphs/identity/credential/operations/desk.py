"""What the pages under /account work with: they serve visitors who are not signed in."""

from collections.abc import Callable
from dataclasses import dataclass

from libs.auth import Revocations, system_binding
from libs.db import Database
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.audit.queries import Origin
from subgraphs.identity.credential.operations.accept_invitation import accept_invitation, hash_first_password
from subgraphs.identity.credential.queries import PasswordHasher
from subgraphs.identity.user.queries import Contacts


@dataclass(frozen=True, slots=True)
class Desk:
    """Each page's one deed, in a transaction of its own. `open_revocations` is called for each, in the page's loop."""

    database: Database
    contacts: Contacts
    hasher: PasswordHasher
    open_revocations: Callable[[], Revocations]

    async def accept_invitation(self, *, token: str, password: str, origin: Origin) -> None:
        """Raises InvalidToken and WeakPassword."""
        hashed = await hash_first_password(
            self.database, token=token, password=password, contacts=self.contacts, hasher=self.hasher
        )
        revocations = self.open_revocations()
        try:
            async with self.database.write(system_binding(PLATFORM_TENANT_ID)) as tx:
                await accept_invitation(
                    tx,
                    token=token,
                    password_hash=hashed,
                    origin=origin,
                    contacts=self.contacts,
                    revocations=revocations,
                )
        finally:
            await revocations.close()
