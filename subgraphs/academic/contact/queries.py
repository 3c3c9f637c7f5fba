"""Addresses of people: encrypted with each person's own key, found again by blind index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from libs.crypto import BlindIndex, KeyRing, Vault
from libs.db import ReadTransaction, TenantTransaction
from libs.settings import Settings
from subgraphs.academic.model import data_keys

Column = Literal["email", "phone"]


@dataclass(frozen=True, slots=True)
class Contacts:
    """What operations need to keep and to read protected values."""

    vault: Vault
    blind_index: BlindIndex

    @classmethod
    def from_settings(cls, settings: Settings) -> "Contacts":
        """With the keys of this process. Raises SettingsError when one is missing."""
        return cls(Vault(KeyRing.from_settings(settings), data_keys), BlindIndex(settings))

    def blinds(self, tenant_id: UUID, values: Mapping[Column, str | None]) -> list[bytes]:
        """What equal values of this tenant are found by, in order; nothing for None."""
        return [self.blind_index.of(tenant_id, column, value) for column, value in values.items() if value]

    async def protect(
        self, tx: TenantTransaction, table: str, people: Mapping[UUID, Mapping[Column, str | None]]
    ) -> dict[UUID, dict[str, bytes]]:
        """The columns to store per person: each value encrypted, and beside it its blind index; nothing for None."""
        known = {person: values for person, values in people.items() if any(values.values())}
        if not known:
            return {}
        keys = await self.vault.person_keys(tx, known, create=True)
        protected: dict[UUID, dict[str, bytes]] = {}
        for person, values in known.items():
            columns: dict[str, bytes] = {}
            for column, value in values.items():
                if value:
                    columns[column] = keys[person].encrypt(
                        value, table=table, column=column, row_id=person, tenant_id=tx.tenant_id
                    )
                    columns[f"{column}_blind"] = self.blind_index.of(tx.tenant_id, column, value)
            protected[person] = columns
        return protected

    async def read(self, tx: ReadTransaction, table: str, rows: Sequence[Any]) -> dict[UUID, dict[str, str]]:
        """E-mail and phone in clear of rows with id, email and phone (or without); an erased person has none."""
        keys = await self.vault.person_keys(tx, [row.id for row in rows])
        clear: dict[UUID, dict[str, str]] = {}
        for row in rows:
            key = keys.get(row.id)
            sealed = {column: getattr(row, column, None) for column in ("email", "phone")}
            clear[row.id] = {
                column: key.decrypt(value, table=table, column=column, row_id=row.id, tenant_id=tx.tenant_id)
                for column, value in sealed.items()
                if key is not None and value is not None
            }
        return clear
