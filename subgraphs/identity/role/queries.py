"""Roles as they hold today: the system's from code, the school's own and its additions from the tables."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy import func, or_, select

from libs.auth import CATALOGUE, SYSTEM_ROLES
from libs.db import ReadTransaction
from libs.kernel import PLATFORM_TENANT_ID, NotFound
from subgraphs.identity.role.model import Role, RolePermission, UserRole
from subgraphs.identity.role.rules import NOT_STAFF, system_role_id

_PLATFORM_ROLE = "super_admin"


@dataclass(frozen=True, slots=True)
class RoleState:
    """A role with all it permits. `role_id` is that of its row for a school's own role, None for a system role."""

    id: UUID
    name: str
    description: str | None
    is_system_role: bool
    permissions: frozenset[str]
    role_id: UUID | None

    @property
    def is_staff(self) -> bool:
        """Whether whoever holds it works for the school."""
        return self.name not in NOT_STAFF


async def all_roles(tx: ReadTransaction) -> list[RoleState]:
    """The roles there are in this tenant, the system's first, then its own by name."""
    rows = await tx.execute(
        select(Role, func.array_agg(RolePermission.permission).filter(RolePermission.permission.is_not(None)))
        .outerjoin(RolePermission, (RolePermission.tenant_id == Role.tenant_id) & (RolePermission.role_id == Role.id))
        .where(Role.tenant_id == tx.tenant_id)
        .group_by(Role.tenant_id, Role.id)
    )
    stored = {role.name: (role, CATALOGUE.keys() & set(permissions or ())) for role, permissions in rows}
    names = {_PLATFORM_ROLE} if tx.tenant_id == PLATFORM_TENANT_ID else SYSTEM_ROLES.keys() - {_PLATFORM_ROLE}
    system = [
        replace(role, permissions=role.permissions | (stored[role.name][1] if role.name in stored else frozenset()))
        for role in map(system_role, (name for name in SYSTEM_ROLES if name in names))
    ]
    own = [
        RoleState(role.id, role.name, role.description, False, frozenset(permissions), role.id)
        for role, permissions in stored.values()
        if not role.is_system_role and role.name not in SYSTEM_ROLES
    ]
    return system + sorted(own, key=lambda role: role.name)


def system_role(name: str) -> RoleState:
    """A system role as code has it, without what the school adds to it."""
    role = SYSTEM_ROLES[name]
    return RoleState(system_role_id(name), name, role.description, True, role.permissions, None)


async def find_roles(tx: ReadTransaction, names: Iterable[str]) -> list[RoleState]:
    """The roles of these names, each once, in the order of the names. Raises NotFound when one is none of them."""
    known = {role.name: role for role in await all_roles(tx)}
    try:
        return [known[name] for name in dict.fromkeys(names)]
    except KeyError as error:
        raise NotFound from error


async def roles_of(tx: ReadTransaction, user_ids: Collection[UUID], today: date) -> dict[UUID, list[RoleState]]:
    """The roles these people hold on that day, in the order of `all_roles`; nobody is missing from the answer."""
    held: dict[UUID, set[UUID]] = defaultdict(set)
    rows = await tx.execute(
        select(UserRole.user_id, UserRole.system_role, UserRole.role_id).where(
            UserRole.tenant_id == tx.tenant_id,
            UserRole.user_id.in_(user_ids),
            UserRole.valid_from <= today,
            or_(UserRole.valid_until.is_(None), UserRole.valid_until >= today),
        )
    )
    for user_id, system_role, role_id in rows:
        held[user_id].add(role_id or system_role_id(system_role))
    roles = await all_roles(tx)
    return {user_id: [role for role in roles if role.id in held[user_id]] for user_id in user_ids}


def permissions_of(roles: Iterable[RoleState]) -> frozenset[str]:
    """What these roles permit together."""
    return frozenset().union(*(role.permissions for role in roles))
