"""Roles as they hold today: the system's from code, the school's own and its additions from the tables."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, text

from libs.auth import CATALOGUE, SYSTEM_ROLES
from libs.db import ReadTransaction, TenantTransaction
from libs.kernel import PLATFORM_TENANT_ID, NotFound
from subgraphs.identity.role.model import Role, RolePermission, UserRole
from subgraphs.identity.role.rules import NOT_STAFF, Administrator, check_administrator_stays, system_role_id
from subgraphs.identity.user.model import User
from subgraphs.identity.user.rules import UserStatus

_PLATFORM_ROLE = "super_admin"
_SCHOOL_ROLE = "school_admin"
# Taken until COMMIT by whoever may take the last administrator away: of two who do it at once, the second one sees
# what the first has done.
_ONE_AFTER_ANOTHER: Final = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")


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
            *_worn_on(today),
        )
    )
    for user_id, system_role, role_id in rows:
        held[user_id].add(role_id or system_role_id(system_role))
    roles = await all_roles(tx)
    return {user_id: [role for role in roles if role.id in held[user_id]] for user_id in user_ids}


def permissions_of(roles: Iterable[RoleState]) -> frozenset[str]:
    """What these roles permit together."""
    return frozenset().union(*(role.permissions for role in roles))


def _worn_on(day: date) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return UserRole.valid_from <= day, or_(UserRole.valid_until.is_(None), UserRole.valid_until >= day)


@asynccontextmanager
async def keeping_an_administrator(tx: TenantTransaction, today: date) -> AsyncIterator[None]:
    """What is done inside must leave the school (the platform) an administrator, for as long as it has one now.

    Wrap every change that takes an account out (deleted, deactivated) or a hat off; lock the account before it.
    Administrators are accounts that are not deleted and hold school_admin (super_admin) today; while one of them is
    ACTIVE, those who are only INVITED do not count. Raises LastAdministrator.
    """
    await tx.execute(_ONE_AFTER_ANOTHER, {"name": f"administrators {tx.tenant_id}"})
    before = await _administrators(tx, today)
    yield
    await tx.flush()
    check_administrator_stays(before, await _administrators(tx, today))


async def _administrators(tx: ReadTransaction, today: date) -> list[Administrator]:
    role = _PLATFORM_ROLE if tx.tenant_id == PLATFORM_TENANT_ID else _SCHOOL_ROLE
    rows = await tx.execute(
        select(User.status, UserRole.valid_until)
        .join(UserRole, (UserRole.tenant_id == User.tenant_id) & (UserRole.user_id == User.id))
        .where(
            User.tenant_id == tx.tenant_id,
            User.deleted_at.is_(None),
            User.status != UserStatus.INACTIVE,
            UserRole.system_role == role,
            *_worn_on(today),
        )
    )
    return [Administrator(row.status == UserStatus.ACTIVE, row.valid_until) for row in rows]
