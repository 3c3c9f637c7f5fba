"""A school's own roles: made, changed, deleted; what roles of the system are added."""

import asyncio

import pytest

from libs.auth import PLATFORM_ONLY, SYSTEM_ROLES
from libs.kernel import PLATFORM_TENANT_ID, Forbidden, InvalidInput, NotFound, new_id
from subgraphs.identity.role.rules import (
    DEEPEST,
    CorePermission,
    InheritanceCycle,
    InheritanceTooDeep,
    RoleInUse,
    RoleNameTaken,
    SecondFactorRole,
    SystemRoleFixed,
    system_role_id,
)
from tests.identity.role.conftest import somebody

TEACHER = system_role_id("teacher")


async def test_a_role_of_the_school_is_there_and_nowhere_else(roles, roles_elsewhere, audited, school):
    role_id = await roles.create("Pustakawan", "class:read", "class:read", inherits="parent", description="Buku")
    role = (await roles.all())["Pustakawan"]
    assert (role.id, role.description, role.inherits) == (role_id, "Buku", "parent")
    assert role.own_permissions == {"class:read"}
    assert role.permissions == SYSTEM_ROLES["parent"].permissions | {"class:read"}
    assert audited(school) == ["role.created"]
    assert set(await roles_elsewhere.all()) == set(SYSTEM_ROLES) - {"super_admin"}


@pytest.mark.parametrize(
    "name", ["LIBRARIAN", "\uff2cibrarian", "libra\u200brian", "Teacher", "SUPER_admin", "teacher"]
)
async def test_a_name_is_taken_whatever_its_case(roles, name):
    role_id = await roles.create("Librarian")
    other = await roles.create("Archivist")
    with pytest.raises(RoleNameTaken):
        await roles.create(name)
    with pytest.raises(RoleNameTaken):
        await roles.update(other, name=name)
    await roles.update(role_id, name="LIBRARIAN")
    assert {"LIBRARIAN", "Archivist"} <= set(await roles.all())


async def test_of_two_names_at_once_one_is_taken(roles):
    outcomes = await asyncio.gather(*(roles.create(name) for name in ("Tutor", "TUTOR")), return_exceptions=True)
    assert sorted(isinstance(outcome, RoleNameTaken) for outcome in outcomes) == [False, True]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"permissions": ("class:read", "class:fly")}, "input.permissions[1]"),
        ({"permissions": ("tenant:create",)}, "input.permissions[0]"),
        ({"permissions": ("",)}, "input.permissions[0]"),
        ({"inherits": "nobody"}, "input.inherits"),
        ({"inherits": "super_admin"}, "input.inherits"),
        ({"name": "\u200b"}, "input.name"),
    ],
)
async def test_what_no_role_can_be(roles, as_owner, given, path):
    given = {"name": "tutor", "permissions": ()} | given
    with pytest.raises(InvalidInput) as invalid:
        await roles.create(given["name"], *given["permissions"], inherits=given.get("inherits"))
    assert [fault.path for fault in invalid.value.faults] == [path]
    assert as_owner("identity", "select name from identity.roles") == []


@pytest.mark.parametrize("permission", sorted(PLATFORM_ONLY))
async def test_what_is_the_platforms_no_role_of_a_school_gets(roles, permission):
    """Not even from somebody who holds it."""
    admin = somebody(PLATFORM_TENANT_ID, "role:update", *PLATFORM_ONLY)
    with pytest.raises(InvalidInput):
        await roles.grant(TEACHER, permission, actor=admin)
    with pytest.raises(InvalidInput):
        await roles.create("operator", permission, actor=admin)


async def test_changes_that_are_given_and_no_other(roles, audited, school):
    role_id = await roles.create("tutor", "class:read", inherits="parent", description="first")
    await roles.update(role_id, description=None)
    await roles.update(role_id, name="mentor")
    await roles.update(role_id, name="mentor")
    role = (await roles.all())["mentor"]
    assert (role.description, role.inherits, role.own_permissions) == (None, "parent", {"class:read"})
    await roles.update(role_id, inherits=None)
    assert (await roles.all())["mentor"].permissions == {"class:read"}
    assert audited(school) == ["role.created", *["role.updated"] * 3]
    with pytest.raises(InvalidInput):
        await roles.update(role_id, name=None)


async def test_a_role_that_needs_a_second_factor_is_not_renamed_out_of_it(roles, as_owner):
    role_id = await roles.create("Bendahara", "invoice:read")
    policy = '{"second_factor_roles": ["Bendahara"]}'
    as_owner("identity", "update identity.tenants set password_policy = cast(%s as jsonb)", (policy,))
    with pytest.raises(SecondFactorRole):
        await roles.update(role_id, name="Kasir")
    await roles.update(role_id, description="Uang")
    assert (await roles.all())["Bendahara"].description == "Uang"


async def test_a_system_role_keeps_its_name_and_stays(roles):
    for change in ({"name": "guru"}, {"inherits": "parent"}, {"description": "x"}):
        with pytest.raises(SystemRoleFixed):
            await roles.update(TEACHER, **change)
    with pytest.raises(SystemRoleFixed):
        await roles.delete(TEACHER)


async def test_a_school_adds_to_a_system_role_and_takes_it_back(roles, roles_elsewhere):
    core = SYSTEM_ROLES["teacher"].permissions
    for _ in range(2):
        await roles.grant(TEACHER, "role:read", "class:read_taught")
    assert (await roles.all())["teacher"].own_permissions == {"role:read"}
    assert (await roles.all())["teacher"].permissions == core | {"role:read"}
    assert (await roles_elsewhere.all())["teacher"].permissions == core
    with pytest.raises(CorePermission) as kept:
        await roles.withdraw(TEACHER, "role:read", "class:read_taught")
    assert kept.value.data == {"permissions": ["class:read_taught"]}
    for _ in range(2):
        await roles.withdraw(TEACHER, "role:read")
    assert (await roles.all())["teacher"].permissions == core


async def test_what_is_inherited_is_not_taken_here(roles):
    role_id = await roles.create("tutor", "class:read", inherits="parent")
    with pytest.raises(InvalidInput) as invalid:
        await roles.withdraw(role_id, "class:read", "student:read_own")
    assert [(fault.path, fault.code) for fault in invalid.value.faults] == [("input.permissions[1]", "INHERITED")]
    await roles.withdraw(role_id, "class:read", "holiday:declare")
    assert (await roles.all())["tutor"].permissions == SYSTEM_ROLES["parent"].permissions


async def test_a_role_that_is_used_is_not_deleted(roles, add_user, assign, school, as_owner):
    top = await roles.create("top", "class:read")
    heir = await roles.create("heir", inherits="top")
    person = await add_user(school, "parent")
    await assign(person.user_id, "top")
    with pytest.raises(RoleInUse) as used:
        await roles.delete(top)
    assert used.value.data == {"holders": 1, "heirs": 1}
    await roles.delete(heir)
    await roles.revoke(person.user_id, "top")
    await roles.delete(top)
    assert as_owner("identity", "select name from identity.roles") == []
    assert as_owner("identity", "select hat from identity.user_roles") == [{"hat": "parent"}]


async def test_a_hat_of_the_past_or_of_nobody_keeps_no_role(roles, add_user, assign, school, as_owner):
    role_id = await roles.create("helper", "class:read")
    await assign((await add_user(school, "parent")).user_id, "helper")
    as_owner("identity", "update identity.users set deleted_at = now()")
    await roles.delete(role_id)
    assert as_owner("identity", "select hat from identity.user_roles") == [{"hat": "parent"}]


async def test_who_is_given_a_role_that_goes_at_once(roles, add_user, assign, school, as_owner):
    """Either it is theirs and stays, or it is gone and not found."""
    for turn in range(4):
        role_id = await roles.create(f"fleeting{turn}", "class:read")
        person = await add_user(school, "parent")
        given, deleted = await asyncio.gather(
            assign(person.user_id, f"fleeting{turn}"), roles.delete(role_id), return_exceptions=True
        )
        assert (isinstance(given, NotFound), isinstance(deleted, RoleInUse)) in {(True, False), (False, True)}


async def test_another_schools_role_is_not_there(roles, roles_elsewhere):
    role_id = await roles_elsewhere.create("tutor", "class:read")
    mine = await roles.create("mentor")
    for attempt in (
        roles.update(role_id, name="taken"),
        roles.delete(role_id),
        roles.grant(role_id, "class:read"),
        roles.withdraw(role_id, "class:read"),
        roles.delete(new_id()),
    ):
        with pytest.raises(NotFound):
            await attempt
    with pytest.raises(InvalidInput):
        await roles.update(mine, inherits="tutor")
    assert (await roles_elsewhere.all())["tutor"].permissions == {"class:read"}


async def test_two_who_close_a_circle_together(roles):
    first, second = await roles.create("first"), await roles.create("second")
    outcomes = await asyncio.gather(
        roles.update(first, inherits="second"), roles.update(second, inherits="first"), return_exceptions=True
    )
    assert sorted(isinstance(outcome, InheritanceCycle) for outcome in outcomes) == [False, True]


async def test_a_line_is_so_long_and_no_longer(roles):
    above = "parent"
    for at in range(1, DEEPEST):
        await roles.create(f"level {at}", inherits=above)
        above = f"level {at}"
    with pytest.raises(InheritanceTooDeep):
        await roles.create("one more", inherits=above)


async def test_whoever_wins_or_loses_gets_new_tokens(*, roles, add_user, assign, school, version, revocations):
    top, heir = await roles.create("top", "class:read"), await roles.create("heir")
    holder, through = await add_user(school, "parent"), await add_user(school, "parent")
    stranger, teacher = await add_user(school, "parent"), await add_user(school, "teacher")
    await assign(holder.user_id, "top")
    await assign(through.user_id, "heir")
    assert [version(each) for each in (holder, through, stranger)] == [2, 2, 1]
    await roles.update(heir, inherits="top")
    await roles.grant(top, "invoice:read")
    await roles.withdraw(top, "invoice:read")
    await roles.update(heir, inherits=None)
    await roles.update(heir, name="renamed")
    assert [version(each) for each in (holder, through, stranger)] == [4, 6, 1]
    await roles.grant(TEACHER, "role:read")
    assert (version(teacher), version(stranger)) == (2, 1)
    assert revocations._versions[through.user_id][0] == 6


async def test_whoever_holds_a_role_that_leaves_the_families_works_for_the_school(
    roles, add_user, assign, as_owner, school
):
    role_id = await roles.create("class mother", inherits="parent")
    person = await add_user(school, "parent")
    await assign(person.user_id, "class mother")
    staff = "select staff from identity.users"
    assert as_owner("identity", staff) == [{"staff": False}]
    await roles.update(role_id, inherits=None)
    assert as_owner("identity", staff) == [{"staff": True}]


async def test_nobody_gives_or_takes_what_they_do_not_hold(roles, school):
    strong = await roles.create("strong", "class:read", "invoice:read")
    weak = await roles.create("weak")
    few = somebody(school, "class:read", "subject:read")
    for attempt in (
        roles.create("forged", "invoice:read", actor=few),
        roles.create("forged", inherits="strong", actor=few),
        roles.create("forged", inherits="principal", actor=few),
        roles.grant(weak, "invoice:read", actor=few),
        roles.grant(strong, "payment:read", actor=few),
        roles.withdraw(strong, "invoice:read", actor=few),
        roles.update(weak, inherits="strong", actor=few),
        roles.grant(system_role_id("parent"), "grade:read", actor=few),
    ):
        with pytest.raises(Forbidden):
            await attempt
    await roles.update(weak, inherits="strong")
    with pytest.raises(Forbidden):
        await roles.update(weak, inherits=None, actor=few)
    await roles.grant(strong, "class:read_own", "subject:read", actor=few)
