"""What the graph shows of accounts beyond their plain columns."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from libs.auth import Actor
from libs.db import ReadTransaction, TenantTransaction
from subgraphs.identity.audit.queries import Deed, Doer, Origin, record
from subgraphs.identity.role.queries import Hat, RoleState, count_holders, hats_of, permissions_of
from subgraphs.identity.second_factor.queries import second_factors_of
from subgraphs.identity.session.queries import KnownDevice, LivingSession, known_devices, living_sessions
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


@dataclass(frozen=True, slots=True)
class HeldRoles:
    """The hats of one account, those of days to come among them, and the day that is asked about."""

    role_assignments: Sequence[Hat]
    today: date

    @property
    def roles(self) -> list[RoleState]:
        """The roles held that day."""
        return [hat.role for hat in self.role_assignments if hat.valid_from <= self.today]

    @property
    def effective_permissions(self) -> list[str]:
        """What these permit together, sorted."""
        return sorted(permissions_of(self.roles))


async def read_roles(
    tx: ReadTransaction, user_ids: Collection[UUID], *, today: date, actor: Actor, counted: bool
) -> dict[UUID, HeldRoles]:
    """What these accounts hold on that day or later; `counted`: the roles tell how many others do."""
    held = await hats_of(tx, user_ids, today)
    if counted:
        roles = await count_holders(tx, [hat.role for hats in held.values() for hat in hats], actor, today)
        held = {user_id: [replace(hat, role=roles[hat.role.id]) for hat in hats] for user_id, hats in held.items()}
    return {user_id: HeldRoles(hats, today) for user_id, hats in held.items()}


async def read_sessions(
    tx: ReadTransaction, user_ids: Collection[UUID], *, actor: Actor
) -> dict[UUID, list[LivingSession]]:
    """The living sessions of these accounts, the actor's own marked."""
    return await living_sessions(tx, user_ids, asking=actor.session_id)


async def read_second_factors(tx: ReadTransaction, user_ids: Collection[UUID]) -> Collection[UUID]:
    """Which of these accounts have a second factor in force."""
    return await second_factors_of(tx, user_ids)


async def read_devices(tx: ReadTransaction, user_ids: Collection[UUID]) -> dict[UUID, list[KnownDevice]]:
    """The devices that these accounts are known by."""
    return await known_devices(tx, user_ids)
