"""What the pages under /account work with: they serve visitors who are not signed in."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

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
from subgraphs.identity.credential.queries import PasswordHasher, School, linked_school, named_school
from subgraphs.identity.user.queries import Contacts

__all__ = ["Desk", "School"]


@dataclass(frozen=True, slots=True)
class Desk:
    """Each page's one deed, in a transaction of its own. `open_revocations` is called for each, in the page's loop."""

    database: Database
    contacts: Contacts
    hasher: PasswordHasher
    open_revocations: Callable[[], Revocations]

    async def school_of(self, token: str) -> School | None:
        """See `linked_school`."""
        return await linked_school(self.database, token)

    async def find_school(self, name: str) -> School | None:
        """See `named_school`."""
        return await named_school(self.database, name)

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
