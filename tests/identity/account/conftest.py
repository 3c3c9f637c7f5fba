"""What tests of accounts share: the operations on one account, each in a transaction of its own."""

import dataclasses

import pytest

from libs.auth import system_binding
from libs.testing import actor_of
from subgraphs.identity.account.operations.activate_user import activate_user, deactivate_user
from subgraphs.identity.account.operations.change import Change
from subgraphs.identity.account.operations.create_user import create_user
from subgraphs.identity.account.operations.delete_user import delete_user, restore_user
from subgraphs.identity.account.operations.update_my_profile import update_my_profile
from subgraphs.identity.account.operations.update_user import update_user

OPERATIONS = {
    each.__name__: each
    for each in (create_user, update_user, update_my_profile, delete_user, restore_user, activate_user, deactivate_user)
}


@pytest.fixture
def do(database, contacts, revocations, visitor, school):
    """`await do("delete_user", user_id=…)`, by an administrator of the school unless `actor` says who."""

    async def run(name, /, *, actor=None, tenant_id=None, **given):
        by = actor or actor_of("school_admin", tenant_id or school)
        async with database.write(system_binding(tenant_id or school)) as tx:
            change = Change(by, visitor, tx.now.date(), contacts, revocations)
            return await OPERATIONS[name](tx, change=change, **given)

    return run


@pytest.fixture
def update(do):
    async def run(user_id, *, version=None, actor=None, tenant_id=None, **changes):
        return await do(
            "update_user",
            user_id=user_id,
            changes=changes,
            expected_version=version,
            actor=actor,
            tenant_id=tenant_id,
        )

    return run


@pytest.fixture
def create(do):
    async def run(email="baru@x.test", **change):
        given = {"name": "Guru Baru", "roles": ["teacher"], "language": "id", "password_hash": "-"} | change
        return await do("create_user", email=email, phone=None, **given)

    return run


@pytest.fixture
def row_of(as_owner):
    """The row of an account."""

    def find(user_id):
        (row,) = as_owner("identity", "select * from identity.users where id = %s", (user_id,))
        return row

    return find


@pytest.fixture
def limited(school):
    """Somebody who may change accounts, and do nothing else that administrators may."""
    permissions = {"user:update", "user:delete", "user:activate", "user:create", "user:read"}
    return dataclasses.replace(actor_of("teacher", school), permissions=frozenset(permissions))
