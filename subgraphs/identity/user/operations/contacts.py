"""E-mail addresses and phones of accounts: encrypted with the person's own key, found by blind index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from libs.crypto import BlindIndex, KeyRing, Vault
from libs.db import ReadTransaction, TenantTransaction
from libs.settings import Settings
from subgraphs.identity.model import vault_table


class SealedContact(Protocol):
    """A row of users, or part of one."""

    @property
    def id(self) -> UUID: ...
    @property
    def email(self) -> bytes: ...
    @property
    def phone(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a person is reached."""

    email: str
    phone: str | None = None

    def personal(self, name: str) -> dict[str, str]:
        """What events carry of a person."""
        return {"name": name, "email": self.email} | ({"phone": self.phone} if self.phone else {})


class Contacts:
    """Seals and reveals contacts. Raises SettingsError when a key is missing."""

    def __init__(self, settings: Settings) -> None:
        self._vault = Vault(KeyRing.from_settings(settings), vault_table)
        self._blind_index = BlindIndex(settings)

    def blind(self, tenant_id: UUID, email: str) -> bytes:
        """What an address is found by, whatever its case."""
        return self._blind_index.of(tenant_id, "email", email)

    async def seal(self, tx: TenantTransaction, contacts: Mapping[UUID, Contact]) -> dict[UUID, dict[str, Any]]:
        """The columns email, email_blind, phone and phone_blind of these people's rows; new people get their key."""
        keys = await self._vault.person_keys(tx, contacts.keys(), create=True)
        sealed: dict[UUID, dict[str, Any]] = {}
        for user_id, contact in contacts.items():
            place = {"table": "users", "row_id": user_id, "tenant_id": tx.tenant_id}
            email = keys[user_id].encrypt(contact.email, column="email", **place)
            columns: dict[str, Any] = {"email": email, "email_blind": self.blind(tx.tenant_id, contact.email)}
            columns |= {"phone": None, "phone_blind": None}
            if contact.phone:
                columns["phone"] = keys[user_id].encrypt(contact.phone, column="phone", **place)
                columns["phone_blind"] = self._blind_index.of(tx.tenant_id, "phone", contact.phone)
            sealed[user_id] = columns
        return sealed

    async def reveal(self, tx: ReadTransaction, rows: Sequence[SealedContact]) -> dict[UUID, Contact]:
        """The contacts in clear, by account; who has been erased is missing.

        To show them to somebody is a deed that belongs into the audit log: see `read_contacts`.
        """
        keys = await self._vault.person_keys(tx, [row.id for row in rows])
        revealed: dict[UUID, Contact] = {}
        for row in rows:
            if (key := keys.get(row.id)) is None:
                continue
            email = key.decrypt(row.email, table="users", column="email", row_id=row.id, tenant_id=tx.tenant_id)
            phone = row.phone and key.decrypt(
                row.phone, table="users", column="phone", row_id=row.id, tenant_id=tx.tenant_id
            )
            revealed[row.id] = Contact(email, phone or None)
        return revealed
