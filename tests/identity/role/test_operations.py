"""Roles: what exists, who holds what when, who may hand it out."""

import asyncio
from datetime import timedelta

import pytest

from libs.auth import SYSTEM_ROLES, system_binding
from libs.kernel import PLATFORM_TENANT_ID, Forbidden, InvalidInput, NotFound
from libs.testing import actor_of
from subgraphs.identity.role.queries import all_roles
from tests.identity.role.conftest import TODAY

NEXT_WEEK = TODAY + timedelta(days=7)


async def test_a_school_has_the_system_roles_and_its_own(database, own_role, school, other_school):
    role_id = own_role(school, "librarian", ["student:read", "gone:forever"])
    own_role(school, "teacher", ["role:read"], system=True)
    async with database.read(system_binding(school)) as tx:
        roles = {role.name: role for role in await all_roles(tx)}
    assert set(roles) == set(SYSTEM_ROLES) - {"super_admin"} | {"librarian"}
    assert roles["librarian"].id == role_id
    assert roles["librarian"].permissions == {"student:read"}
    assert roles["teacher"].permissions == SYSTEM_ROLES["teacher"].permissions | {"role:read"}
    async with database.read(system_binding(other_school)) as tx:
        assert {role.name for role in await all_roles(tx)} == set(SYSTEM_ROLES) - {"super_admin"}
    async with database.read(system_binding(PLATFORM_TENANT_ID)) as tx:
        assert [role.name for role in await all_roles(tx)] == ["super_admin"]


async def test_a_role_has_what_it_inherits(database, own_role, school):
    own_role(school, "parent", ["holiday:declare"], system=True)
    top = own_role(school, "committee", ["class:read"], parent_system="parent")
    middle = own_role(school, "treasury", ["invoice:read", "tenant:create"], parent=top)
    own_role(school, "archive", ["payment:read"], parent=middle)
    async with database.read(system_binding(school)) as tx:
        roles = {role.name: role for role in await all_roles(tx)}
    parents = SYSTEM_ROLES["parent"].permissions | {"holiday:declare"}
    assert roles["parent"].own_permissions == {"holiday:declare"}
    assert roles["committee"].permissions == parents | {"class:read"}
    assert roles["archive"].permissions == parents | {"class:read", "invoice:read", "payment:read"}
    assert (roles["archive"].own_permissions, roles["archive"].inherits) == ({"payment:read"}, "treasury")
    assert {name: role.is_staff for name, role in roles.items() if not role.is_system_role} == {
        "committee": False,
        "treasury": False,
        "archive": False,
    }


async def test_a_role_of_the_school_never_passes_for_one_of_the_system(database, own_role, school):
    """A school's role may be older than a system role of the same name."""
    forged = own_role(school, "principal", ["class:read"])
    own_role(school, "heir", ["subject:read"], parent=forged)
    async with database.read(system_binding(school)) as tx:
        roles = {role.name: role for role in await all_roles(tx)}
    assert roles["principal"].permissions == SYSTEM_ROLES["principal"].permissions
    assert roles["heir"].permissions == {"subject:read"}


async def test_a_role_holds_from_its_first_day_to_its_last(add_user, assign, held, school):
    person = await add_user(school, "teacher")
    await assign(person.user_id, "finance_staff", since=TODAY, until=NEXT_WEEK)
    assert await held(person.user_id, TODAY - timedelta(days=1)) == []
    assert "finance_staff" in await held(person.user_id)
    assert "finance_staff" in await held(person.user_id, NEXT_WEEK)
    assert "finance_staff" not in await held(person.user_id, NEXT_WEEK + timedelta(days=1))


async def test_assigning_tells_everybody_and_voids_tokens(
    *, add_user, assign, school, events, audited, as_owner, revocations
):
    person = await add_user(school, "parent")
    await assign(person.user_id, "teacher")
    (event,) = events("RoleAssigned")
    assert event["data"]["role"] == "teacher"
    assert event["data"]["ver"] == 2
    assert as_owner("identity", "select ver, staff from identity.users") == [{"ver": 2, "staff": True}]
    assert audited(school)[-1] == "user.role_assigned"
    assert revocations._versions[person.user_id][0] == 2


async def test_what_is_held_already_changes_nothing(add_user, assign, school, events, as_owner):
    person = await add_user(school, "parent")
    await assign(person.user_id, "teacher", since=TODAY)
    await assign(person.user_id, "teacher", since=NEXT_WEEK, until=NEXT_WEEK)
    assert len(events("RoleAssigned")) == 1
    assert as_owner("identity", "select ver from identity.users") == [{"ver": 2}]


async def test_periods_that_meet_become_one(add_user, assign, school, as_owner):
    person = await add_user(school, "parent")
    await assign(person.user_id, "teacher", since=TODAY, until=NEXT_WEEK)
    await assign(person.user_id, "teacher", since=NEXT_WEEK + timedelta(days=1))
    rows = as_owner("identity", "select valid_from, valid_until from identity.user_roles where hat = 'teacher'")
    assert rows == [{"valid_from": TODAY, "valid_until": None}]


async def test_assignments_at_once_follow_each_other(add_user, assign, school, as_owner):
    person = await add_user(school, "parent")
    spans = [(TODAY + timedelta(days=n), TODAY + timedelta(days=n + 3)) for n in range(8)]
    await asyncio.gather(*(assign(person.user_id, "teacher", since=since, until=until) for since, until in spans))
    rows = as_owner("identity", "select valid_from, valid_until from identity.user_roles where hat = 'teacher'")
    assert rows == [{"valid_from": TODAY, "valid_until": TODAY + timedelta(days=10)}]


@pytest.mark.parametrize("role", ["super_admin", "nothing", "TEACHER", ""])
async def test_an_unknown_role_is_not_found(add_user, assign, school, role):
    person = await add_user(school, "parent")
    with pytest.raises(NotFound):
        await assign(person.user_id, role)


async def test_another_school_and_its_roles_are_out_of_reach(
    *, add_user, assign, own_role, school, other_school, as_owner
):
    stranger = await add_user(other_school, "parent")
    own_role(other_school, "librarian", ["student:read"])
    with pytest.raises(NotFound):
        await assign(stranger.user_id, "teacher")
    person = await add_user(school, "parent")
    with pytest.raises(NotFound):
        await assign(person.user_id, "librarian")
    rows = as_owner("identity", "select hat from identity.user_roles")
    assert [row["hat"] for row in rows] == ["parent", "parent"]


@pytest.mark.parametrize(
    ("granter", "role"), [("principal", "school_admin"), ("teacher", "principal"), ("parent", "teacher")]
)
async def test_nobody_grants_what_they_do_not_hold(*, add_user, assign, school, granter, role, as_owner):
    person = await add_user(school, "student")
    with pytest.raises(Forbidden):
        await assign(person.user_id, role, actor=actor_of(granter, school))
    assert as_owner("identity", "select ver from identity.users") == [{"ver": 1}]


async def test_an_end_before_the_beginning_is_refused(add_user, assign, school):
    person = await add_user(school, "student")
    with pytest.raises(InvalidInput) as invalid:
        await assign(person.user_id, "teacher", since=NEXT_WEEK, until=TODAY)
    assert [fault.path for fault in invalid.value.faults] == ["input.validUntil"]


async def test_a_platform_administrator_is_audited_in_both_logs(
    *, add_user, assign, school, other_school, audited, as_owner
):
    person = await add_user(school, "parent")
    admin = actor_of("super_admin", school, acting_on=school)
    await assign(person.user_id, "teacher", actor=admin)
    assert audited(school)[-1] == audited(PLATFORM_TENANT_ID)[-1] == "user.role_assigned"
    row = as_owner("identity", "select * from identity.audit_logs where about_tenant_id is not null")[0]
    assert (row["tenant_id"], row["about_tenant_id"], row["user_id"]) == (PLATFORM_TENANT_ID, school, admin.user_id)
    assert audited(other_school) == []
