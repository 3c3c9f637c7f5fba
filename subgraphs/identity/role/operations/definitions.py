"""What those who change the school's roles share: names, permissions, parents, and who is to be told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, insert, select, update

from libs.auth import SYSTEM_ROLES, Actor, Revocations
from libs.db import TenantTransaction
from libs.kernel import FieldFault, InvalidInput, NotFound
from subgraphs.identity.role.model import RolePermission, UserRole
from subgraphs.identity.role.queries import RoleState, all_roles, grantable, lock_roles, not_over
from subgraphs.identity.role.rules import RoleNameTaken, check_grant, check_inheritance, folded
from subgraphs.identity.user.model import User
from subgraphs.identity.user.queries import raise_versions

_TEXTS = {
    "UNKNOWN_PERMISSION": {"id": "Izin tidak dikenal.", "en": "There is no such permission."},
    "REQUIRED": {"id": "Wajib diisi.", "en": "Must not be empty."},
    "UNKNOWN_ROLE": {"id": "Peran tidak dikenal.", "en": "There is no such role."},
}


@dataclass(frozen=True, slots=True)
class Definitions:
    """The roles of the tenant, which nobody else changes before COMMIT."""

    roles: Sequence[RoleState]

    @classmethod
    async def hold(cls, tx: TenantTransaction) -> "Definitions":
        """Waits for its turn and reads them."""
        await lock_roles(tx)
        return cls(await all_roles(tx))

    def of(self, role_id: UUID) -> RoleState:
        """The role of that id. Raises NotFound."""
        for role in self.roles:
            if role.id == role_id:
                return role
        raise NotFound

    def heirs(self, role: RoleState) -> list[RoleState]:
        """The roles that inherit from it, directly or through others."""
        return [each for each in self.roles if role.id in each.line[1:]]

    def check_name(self, name: str, *, besides: UUID | None = None) -> None:
        """Raises InvalidInput for a name of nothing that can be seen, RoleNameTaken for one like another role's.

        System roles that are none of this tenant's (super_admin in a school) count too.
        """
        wanted = folded(name)
        if not wanted:
            raise InvalidInput([fault("input.name", "REQUIRED")])
        others = {folded(role.name) for role in self.roles if role.id != besides}
        if wanted in others | set(map(folded, SYSTEM_ROLES)):
            raise RoleNameTaken

    def parent(self, name: str, actor: Actor, *, of: UUID) -> RoleState:
        """The role that `of` is to inherit from.

        Raises InvalidInput for an unknown one, Forbidden for one that permits what the actor may not, InheritanceCycle
        and InheritanceTooDeep.
        """
        found = next((role for role in self.roles if role.name == name), None)
        if found is None:
            raise InvalidInput([fault("input.inherits", "UNKNOWN_ROLE")])
        check_grant(actor.permissions, found.permissions)
        check_inheritance(of, found.id, {role.id: role.line[1] for role in self.roles if len(role.line) > 1})
        return found


def fault(path: str, code: str) -> FieldFault:
    """A fault with its texts."""
    return FieldFault(path, code, _TEXTS[code])


def check_permissions(tx: TenantTransaction, actor: Actor, permissions: Sequence[str]) -> None:
    """Raises InvalidInput for what no role of this tenant may permit, Forbidden for what the actor does not hold."""
    known = grantable(tx.tenant_id)
    faults = [
        fault(f"input.permissions[{at}]", "UNKNOWN_PERMISSION")
        for at, permission in enumerate(permissions)
        if permission not in known
    ]
    if faults:
        raise InvalidInput(faults)
    check_grant(actor.permissions, permissions)


def columns_of(parent: RoleState | None) -> dict[str, Any]:
    """How a role's row tells what it inherits from."""
    system = parent.name if parent is not None and parent.is_system_role else None
    return {"parent_system_role": system, "parent_id": parent.role_id if parent is not None else None}


async def add_permissions(tx: TenantTransaction, role_id: UUID, permissions: Iterable[str]) -> None:
    """Writes permissions of the role in that row of `roles`, which it does not have yet."""
    rows = [
        {"tenant_id": tx.tenant_id, "id": tx.new_id(), "role_id": role_id, "permission": permission}
        for permission in sorted(permissions)
    ]
    if rows:
        await tx.execute(insert(RolePermission.__table__), rows)


async def void_tokens(tx: TenantTransaction, role_id: UUID, *, today: date, revocations: Revocations) -> None:
    """Voids the tokens of those who hold a changed role, or one that inherits from it.

    Who held it yesterday counts: a token may be of yesterday. Where a role is of the school's staff now, whoever holds
    it or will hold it is.
    """
    changed = [role for role in await all_roles(tx) if role_id in role.line]
    holders = await tx.scalars(_holders(tx, changed, today))
    if ids := set(holders):
        await raise_versions(tx, ids, revocations)
    staff = _holders(tx, [role for role in changed if role.is_staff], today)
    unmarked = (User.tenant_id == tx.tenant_id, User.id.in_(staff), User.staff.is_(False))
    await tx.execute(update(User).where(*unmarked).values(staff=True).execution_options(synchronize_session=False))


def _holders(tx: TenantTransaction, roles: Iterable[RoleState], today: date) -> Select[UUID]:
    hats = [role.hat for role in roles]
    return select(UserRole.user_id).where(
        UserRole.tenant_id == tx.tenant_id, UserRole.hat.in_(hats), not_over(today - timedelta(days=1))
    )
