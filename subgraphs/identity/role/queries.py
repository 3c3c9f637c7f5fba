"""Roles as they hold today: the system's from code, the school's own and its additions from the tables."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, text

from libs.auth import CATALOGUE, PLATFORM_ONLY, SYSTEM_ROLES, Actor
from libs.db import ReadTransaction, TenantTransaction
from libs.kernel import PLATFORM_TENANT_ID, Forbidden, NotFound
from subgraphs.identity.audit.queries import Doer
from subgraphs.identity.role.model import Role, RolePermission, UserRole
from subgraphs.identity.role.rules import (
    NOT_STAFF,
    Administrator,
    Period,
    check_administrator_stays,
    check_grant,
    lineage,
    system_role_id,
)
from subgraphs.identity.user.model import User
from subgraphs.identity.user.rules import UserStatus

_PLATFORM_ROLE = "super_admin"
_SCHOOL_ROLE = "school_admin"
# Held until COMMIT by whoever may take the last administrator away, and by whoever changes a role: of two who do it at
# once, the second one sees what the first has done.
_ONE_AFTER_ANOTHER: Final = text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")
_BESIDE_EACH_OTHER: Final = text("select pg_advisory_xact_lock_shared(hashtextextended(:name, 0))")
_FAMILIES: Final = frozenset(map(system_role_id, NOT_STAFF))


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleState:
    """A role with all it permits: `own_permissions` itself, the rest by what it inherits from (`inherits`, a name).

    Of a system role `own_permissions` are what the school has added. `line` are the ids of the role and of those it
    inherits from, upwards, `names` their names. `role_id` is that of its row for a school's own role, None for a system
    role. `holders`, how many accounts hold it today, is there where it was asked for (`count_holders`).
    """

    id: UUID
    name: str
    description: str | None
    is_system_role: bool
    own_permissions: frozenset[str]
    permissions: frozenset[str]
    inherits: str | None
    line: tuple[UUID, ...]
    names: tuple[str, ...]
    role_id: UUID | None
    holders: int | Exception | None = None

    @property
    def is_staff(self) -> bool:
        """Whether whoever holds it works for the school."""
        return self.line[-1] not in _FAMILIES

    @property
    def hat(self) -> str:
        """What stands for it in user_roles."""
        return self.name if self.role_id is None else str(self.role_id)


def system_role(name: str, added: frozenset[str] = frozenset()) -> RoleState:
    """A system role as code has it, with what a school adds to it."""
    role, role_id = SYSTEM_ROLES[name], system_role_id(name)
    return RoleState(
        id=role_id,
        name=name,
        description=role.description,
        is_system_role=True,
        own_permissions=added,
        permissions=role.permissions | added,
        inherits=None,
        line=(role_id,),
        names=(name,),
        role_id=None,
    )


def grantable(tenant_id: UUID) -> AbstractSet[str]:
    """What a role of this tenant may permit: what is the platform's no school hands out."""
    return CATALOGUE.keys() if tenant_id == PLATFORM_TENANT_ID else CATALOGUE.keys() - PLATFORM_ONLY


async def all_roles(tx: ReadTransaction) -> list[RoleState]:
    """The roles there are in this tenant, the system's first, then its own by name."""
    rows = await tx.execute(
        select(Role, func.array_agg(RolePermission.permission).filter(RolePermission.permission.is_not(None)))
        .outerjoin(RolePermission, (RolePermission.tenant_id == Role.tenant_id) & (RolePermission.role_id == Role.id))
        .where(Role.tenant_id == tx.tenant_id)
        .group_by(Role.tenant_id, Role.id)
    )
    permitted = grantable(tx.tenant_id)
    stored = [(role, frozenset(permissions or ()) & permitted) for role, permissions in rows]
    added = {role.name: permissions for role, permissions in stored if role.is_system_role}
    names = {_PLATFORM_ROLE} if tx.tenant_id == PLATFORM_TENANT_ID else SYSTEM_ROLES.keys() - {_PLATFORM_ROLE}
    system = [system_role(name, added.get(name, frozenset())) for name in SYSTEM_ROLES if name in names]
    # A system role that came later than a school's role of the same name takes its place.
    own = [each for each in stored if not each[0].is_system_role and each[0].name not in SYSTEM_ROLES]
    return system + _inheriting(sorted(own, key=lambda each: each[0].name), system)


def _inheriting(own: Sequence[tuple[Role, frozenset[str]]], system: Sequence[RoleState]) -> list[RoleState]:
    """A school's own roles with what comes to them by inheritance."""
    parents = {role.id: parent for role, _ in own if (parent := parent_of(role)) is not None}
    names = {role.id: role.name for role in system} | {role.id: role.name for role, _ in own}
    permissions = {role.id: role.permissions for role in system} | {role.id: given for role, given in own}
    lines = {role.id: tuple(each for each in lineage(role.id, parents) if each in names) for role, _ in own}
    return [
        RoleState(
            id=role.id,
            name=role.name,
            description=role.description,
            is_system_role=False,
            own_permissions=given,
            permissions=frozenset().union(*(permissions[each] for each in lines[role.id])),
            inherits=names[lines[role.id][1]] if len(lines[role.id]) > 1 else None,
            line=lines[role.id],
            names=tuple(names[each] for each in lines[role.id]),
            role_id=role.id,
        )
        for role, given in own
    ]


def parent_of(role: Role) -> UUID | None:
    """The id of what a school's own role inherits from."""
    return role.parent_id if role.parent_system_role is None else system_role_id(role.parent_system_role)


async def lock_roles(tx: TenantTransaction) -> None:
    """Of those who change the school's roles one comes after the other, and after those who hand one out."""
    await tx.execute(_ONE_AFTER_ANOTHER, {"name": f"roles {tx.tenant_id}"})


async def find_roles(tx: ReadTransaction, names: Iterable[str]) -> list[RoleState]:
    """The roles of these names, each once, in the order of the names; until COMMIT none of them changes or goes.

    Raises NotFound when one is none of them.
    """
    await tx.execute(_BESIDE_EACH_OTHER, {"name": f"roles {tx.tenant_id}"})
    known = {role.name: role for role in await all_roles(tx)}
    try:
        return [known[name] for name in dict.fromkeys(names)]
    except KeyError as error:
        raise NotFound from error


@dataclass(frozen=True, slots=True)
class Hat:
    """A role that somebody holds, and when."""

    role: RoleState
    period: Period

    @property
    def valid_from(self) -> date:
        """The first day."""
        return self.period.since

    @property
    def valid_until(self) -> date | None:
        """The last day; None: without an end."""
        return self.period.until


async def hats_of(tx: ReadTransaction, user_ids: Collection[UUID], today: date) -> dict[UUID, list[Hat]]:
    """What these people hold on that day or will hold later, in the order of `all_roles` and of days.

    Nobody is missing from the answer.
    """
    rows = await tx.execute(
        select(UserRole.user_id, UserRole.hat, UserRole.valid_from, UserRole.valid_until).where(
            UserRole.tenant_id == tx.tenant_id, UserRole.user_id.in_(user_ids), not_over(today)
        )
    )
    held: dict[UUID, list[tuple[str, Period]]] = defaultdict(list)
    for user_id, hat, since, until in rows:
        held[user_id].append((hat, Period(since, until)))
    roles = await all_roles(tx)
    return {
        user_id: [
            Hat(role, period)
            for role in roles
            for period in sorted(period for hat, period in held[user_id] if hat == role.hat)
        ]
        for user_id in user_ids
    }


async def roles_of(tx: ReadTransaction, user_ids: Collection[UUID], today: date) -> dict[UUID, list[RoleState]]:
    """The roles these people hold on that day, in the order of `all_roles`; nobody is missing from the answer."""
    hats = await hats_of(tx, user_ids, today)
    return {user: [hat.role for hat in each if hat.period.since <= today] for user, each in hats.items()}


async def roles_from(tx: ReadTransaction, user_ids: Collection[UUID], today: date) -> dict[UUID, list[RoleState]]:
    """The roles these people hold on that day or will hold later: what their accounts can come to do."""
    hats = await hats_of(tx, user_ids, today)
    return {user: list({hat.role.id: hat.role for hat in each}.values()) for user, each in hats.items()}


async def count_holders(
    tx: ReadTransaction, roles: Sequence[RoleState], actor: Actor, today: date
) -> dict[UUID, RoleState]:
    """The roles, by id, with how many accounts hold them today; Forbidden in its place for who may not know."""
    if not (actor.may("role:assign") or actor.may("user:read")):
        return {role.id: replace(role, holders=Forbidden()) for role in roles}
    rows = await tx.execute(
        select(UserRole.hat, func.count())
        .join(User, (User.tenant_id == UserRole.tenant_id) & (User.id == UserRole.user_id))
        .where(UserRole.tenant_id == tx.tenant_id, User.deleted_at.is_(None), *_worn_on(today))
        .group_by(UserRole.hat)
    )
    counts = {row.hat: row.count for row in rows.mappings()}
    return {role.id: replace(role, holders=counts.get(role.hat, 0)) for role in roles}


def permissions_of(roles: Iterable[RoleState]) -> frozenset[str]:
    """What these roles permit together."""
    return frozenset().union(*(role.permissions for role in roles))


def not_over(day: date) -> ColumnElement[bool]:
    """Of hats: those that hold on that day or later."""
    return or_(UserRole.valid_until.is_(None), UserRole.valid_until >= day)


def _worn_on(day: date) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return UserRole.valid_from <= day, not_over(day)


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


async def check_reach(tx: ReadTransaction, actor: Actor, user_id: UUID, today: date) -> None:
    """Nobody changes an account that may do what they may not, now or later. Raises Forbidden."""
    hats = (await hats_of(tx, [user_id], today))[user_id]
    check_grant(actor.permissions, permissions_of(hat.role for hat in hats))


def hat_row(tx: TenantTransaction, user_id: UUID, role: RoleState, doer: Doer, since: date) -> dict[str, Any]:
    """The row of a role that somebody holds from a day on."""
    return {
        "tenant_id": tx.tenant_id,
        "id": tx.new_id(),
        "user_id": user_id,
        "system_role": role.name if role.is_system_role else None,
        "role_id": role.role_id,
        "valid_from": since,
        "valid_until": None,
        "assigned_at": tx.now,
        "assigned_by": doer.user_id,
    }
