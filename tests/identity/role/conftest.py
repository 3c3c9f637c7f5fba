"""Roles as tests make them, change them and hand them out, on a day of their own."""

import dataclasses
from datetime import date

import pytest

from libs.auth import system_binding
from libs.kernel import new_id
from libs.testing import actor_of
from subgraphs.identity.role.operations.assign_role import assign_role
from subgraphs.identity.role.operations.change_permissions import grant_permissions, revoke_permissions
from subgraphs.identity.role.operations.create_role import create_role
from subgraphs.identity.role.operations.delete_role import delete_role
from subgraphs.identity.role.operations.revoke_role import revoke_role
from subgraphs.identity.role.operations.update_role import update_role
from subgraphs.identity.role.queries import all_roles, roles_of

TODAY = date(2026, 8, 3)


def somebody(tenant_id, *permissions: str):
    """An actor of the school with these permissions alone."""
    return dataclasses.replace(actor_of("teacher", tenant_id), permissions=frozenset(permissions))


@pytest.fixture
def assign(database, visitor, revocations, school):
    async def run(user_id, role, *, actor=None, since=None, until=None, tenant_id=school):
        async with database.write(system_binding(tenant_id)) as tx:
            return await assign_role(
                tx,
                actor=actor or actor_of("school_admin", school),
                user_id=user_id,
                role_name=role,
                valid_from=since,
                valid_until=until,
                today=TODAY,
                origin=visitor,
                revocations=revocations,
            )

    return run


@pytest.fixture
def own_role(as_owner):
    def add(tenant_id, name, permissions, *, system=False, parent=None, parent_system=None):
        role_id = new_id()
        as_owner(
            "identity",
            "insert into identity.roles (tenant_id, id, name, is_system_role, parent_id, parent_system_role)"
            " values (%s, %s, %s, %s, %s, %s)",
            (tenant_id, role_id, name, system, parent, parent_system),
        )
        for permission in permissions:
            as_owner(
                "identity",
                "insert into identity.role_permissions (tenant_id, id, role_id, permission) values (%s, %s, %s, %s)",
                (tenant_id, new_id(), role_id, permission),
            )
        return role_id

    return add


@pytest.fixture
def held(database, school):
    async def of(user_id, day=TODAY, tenant_id=school):
        async with database.read(system_binding(tenant_id)) as tx:
            return [role.name for role in (await roles_of(tx, [user_id], day))[user_id]]

    return of


class Roles:
    """A school's roles, changed by whoever may: `await roles.create("librarian", "class:read")`."""

    def __init__(self, database, visitor, revocations, tenant_id) -> None:
        self.database, self.visitor, self.revocations, self.tenant_id = database, visitor, revocations, tenant_id

    async def run(self, operation, actor, **arguments):
        async with self.database.write(system_binding(self.tenant_id)) as tx:
            return await operation(
                tx, actor=actor or actor_of("school_admin", self.tenant_id), origin=self.visitor, **arguments
            )

    async def changed(self, operation, actor, **arguments):
        return await self.run(operation, actor, today=TODAY, revocations=self.revocations, **arguments)

    async def create(self, name, *permissions: str, inherits=None, actor=None, description=None):
        given = {"name": name, "description": description, "permissions": permissions, "inherits": inherits}
        return await self.run(create_role, actor, **given)

    async def update(self, role_id, *, actor=None, **changes):
        return await self.changed(update_role, actor, role_id=role_id, changes=changes)

    async def delete(self, role_id, *, actor=None):
        return await self.run(delete_role, actor, role_id=role_id, today=TODAY)

    async def grant(self, role_id, *permissions: str, actor=None):
        return await self.changed(grant_permissions, actor, role_id=role_id, permissions=permissions)

    async def withdraw(self, role_id, *permissions: str, actor=None):
        return await self.changed(revoke_permissions, actor, role_id=role_id, permissions=permissions)

    async def revoke(self, user_id, name, *, until=None, actor=None):
        return await self.changed(revoke_role, actor, user_id=user_id, role_name=name, valid_until=until)

    async def all(self):
        async with self.database.read(system_binding(self.tenant_id)) as tx:
            return {role.name: role for role in await all_roles(tx)}


@pytest.fixture
def roles(database, visitor, revocations, school):
    return Roles(database, visitor, revocations, school)


@pytest.fixture
def roles_elsewhere(database, visitor, revocations, other_school):
    return Roles(database, visitor, revocations, other_school)


@pytest.fixture
def version(as_owner):
    """`version(person)`: the version that tokens of the account must have."""

    def of(person):
        return as_owner("identity", "select ver from identity.users where id = %s", (person.user_id,))[0]["ver"]

    return of
