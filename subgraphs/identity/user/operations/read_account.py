"""What the graph shows of accounts beyond their plain columns."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from uuid import UUID

from libs.auth import Actor
from libs.db import ReadTransaction, TenantTransaction
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.role.queries import RoleState, roles_of
from subgraphs.identity.user.queries import Contact, Contacts, SealedContact


async def read_contacts(
    tx: TenantTransaction, rows: Sequence[SealedContact], *, actor: Actor, contacts: Contacts, origin: Origin
) -> Mapping[UUID, Contact]:
    """E-mail and phone of these accounts; who read whose is in the log of the same transaction."""
    revealed = await contacts.reveal(tx, rows)
    ids = [str(user_id) for user_id in revealed]
    if ids:
        deed = Deed(action="user.read", resource_type="user", new_values={"ids": ids, "fields": ["email", "phone"]})
        await record(tx, Doer.of(actor, origin), deed)
    return revealed


async def read_roles(tx: ReadTransaction, user_ids: Collection[UUID], *, today: date) -> dict[UUID, list[RoleState]]:
    """The roles of these accounts on that day."""
    return await roles_of(tx, user_ids, today)
