"""Roles through the graph."""

import pytest

from libs.auth import CATALOGUE, PLATFORM_ONLY, SYSTEM_ROLES
from libs.kernel import new_id
from libs.testing import actor_of
from subgraphs.identity.role.rules import system_role_id

ROLES = "{ roles { id name description permissions isSystemRole } }"
MINE = (
    """{ me { effectivePermissions roleAssignments { role { name holders } validFrom validUntil } roles { name } } }"""
)
ASSIGN = """mutation($input: AssignRoleInput!) { assignRole(input: $input) { __typename
  ... on AssignRoleSuccess { user { id roles { name } } }
  ... on UserError { code } ... on InvalidInput { fields { path } } } }"""


@pytest.mark.parametrize("role", ["school_admin", "principal"])
async def test_the_roles_of_a_school(graph, school, role):
    roles = (await graph(ROLES, actor=actor_of(role, school))).ok()["roles"]
    assert [each["name"] for each in roles] == [name for name in SYSTEM_ROLES if name != "super_admin"]
    assert all(each["isSystemRole"] and each["permissions"] == sorted(each["permissions"]) for each in roles)


@pytest.mark.parametrize("role", ["teacher", "student", "parent", "finance_staff", "admission_staff"])
async def test_who_may_not_read_roles(graph, school, role):
    assert (await graph(ROLES, actor=actor_of(role, school))).codes == ["FORBIDDEN"]


async def test_a_role_is_assigned_and_shows(graph, add_user, school):
    person = await add_user(school, "parent")
    given = {"input": {"userId": person.user_id, "role": "teacher"}}
    answer = (await graph(ASSIGN, given, actor=actor_of("school_admin", school))).ok()["assignRole"]
    assert answer["user"] == {"id": str(person.user_id), "roles": [{"name": "teacher"}, {"name": "parent"}]}


async def test_a_role_of_tomorrow_does_not_show_today(graph, add_user, school):
    person = await add_user(school, "parent")
    given = {"input": {"userId": person.user_id, "role": "teacher", "validFrom": "2200-01-01"}}
    answer = (await graph(ASSIGN, given, actor=actor_of("school_admin", school))).ok()["assignRole"]
    assert answer["user"]["roles"] == [{"name": "parent"}]


@pytest.mark.parametrize(
    ("actor", "change", "code"),
    [
        ("school_admin", {"role": "wizard"}, "NOT_FOUND"),
        ("school_admin", {"role": "super_admin"}, "NOT_FOUND"),
        ("school_admin", {"validFrom": "2026-08-02", "validUntil": "2026-08-01"}, "INVALID_INPUT"),
        ("school_admin", {"role": "x" * 101}, "INVALID_INPUT"),
        ("principal", {}, "FORBIDDEN"),
        ("teacher", {}, "FORBIDDEN"),
        ("parent", {}, "FORBIDDEN"),
    ],
)
async def test_what_an_assignment_can_be_refused_for(*, graph, add_user, school, as_owner, actor, change, code):
    person = await add_user(school, "parent")
    given = {"input": {"userId": person.user_id, "role": "teacher"} | change}
    assert (await graph(ASSIGN, given, actor=actor_of(actor, school))).ok()["assignRole"]["code"] == code
    assert as_owner("identity", "select hat from identity.user_roles") == [{"hat": "parent"}]


async def test_another_schools_person_is_not_found(graph, add_user, school, other_school, as_owner):
    person = await add_user(other_school, "parent")
    given = {"input": {"userId": person.user_id, "role": "teacher"}}
    assert (await graph(ASSIGN, given, actor=actor_of("school_admin", school))).ok()["assignRole"][
        "code"
    ] == "NOT_FOUND"
    there = (await graph(ASSIGN, given, actor=actor_of("school_admin", other_school))).ok()["assignRole"]
    assert there["__typename"] == "AssignRoleSuccess"


_DOCUMENTS = {
    "createRole": "... on CreateRoleSuccess { roleId role { name permissions ownPermissions inherits holders } }",
    "updateRole": "... on UpdateRoleSuccess { roleId role { name description permissions inherits } }",
    "deleteRole": "... on DeleteRoleSuccess { roleId } ... on RoleInUse { holders heirs }",
    "grantPermissions": "... on GrantPermissionsSuccess { roleId role { permissions ownPermissions } }",
    "revokePermissions": "... on RevokePermissionsSuccess { roleId role { ownPermissions } }"
    " ... on CorePermission { permissions }",
    "revokeRole": "... on RevokeRoleSuccess { user { id roles { name } } }",
    "assignRole": "... on AssignRoleSuccess { user { id roles { name } } }",
}


@pytest.fixture
def do(graph, school):
    """`await do("createRole", name="x", permissions=[])`: the answer, as the school's administrator or as `actor`."""

    async def run(name, /, *, actor=None, headers=None, **given):
        title = name[0].upper() + name[1:]
        document = (
            f"mutation($input: {title}Input!) {{ {name}(input: $input) {{ __typename {_DOCUMENTS[name]}"
            " ... on UserError { code message } ... on InvalidInput { fields { path code } } } }"
        )
        actor = actor or actor_of("school_admin", school)
        return (await graph(document, {"input": given}, actor=actor, headers=headers or {})).ok()[name]

    return run


async def test_the_life_of_a_role(do, graph, add_user, school):
    made = await do("createRole", name="Pustakawan", permissions=["class:read"], inherits="parent")
    role_id = made["roleId"]
    assert made["role"]["ownPermissions"] == ["class:read"]
    assert made["role"]["inherits"] == "parent"
    assert made["role"]["holders"] == 0
    assert "student:read_own" in made["role"]["permissions"]
    changed = await do("updateRole", roleId=role_id, description="Buku", inherits=None)
    assert changed["role"] == {
        "name": "Pustakawan",
        "description": "Buku",
        "permissions": ["class:read"],
        "inherits": None,
    }
    granted = await do("grantPermissions", roleId=role_id, permissions=["student:read"])
    assert granted["role"]["permissions"] == ["class:read", "student:read"]
    taken = await do("revokePermissions", roleId=role_id, permissions=["class:read"])
    assert taken["role"]["ownPermissions"] == ["student:read"]
    person = await add_user(school, "parent")
    await do("assignRole", userId=str(person.user_id), role="Pustakawan")
    used = await do("deleteRole", roleId=role_id)
    assert (used["code"], used["holders"], used["heirs"]) == ("ROLE_IN_USE", 1, 0)
    revoked = await do("revokeRole", userId=str(person.user_id), role="Pustakawan")
    assert revoked["user"]["roles"] == [{"name": "parent"}]
    assert (await do("deleteRole", roleId=role_id))["roleId"] == role_id
    one = "query($id: ID!) { role(id: $id) { name } }"
    assert (await graph(one, {"id": role_id}, actor=actor_of("school_admin", school))).ok() == {"role": None}


async def test_every_error_of_roles(do, add_user, school):
    first = (await do("createRole", name="First", permissions=[]))["roleId"]
    await do("createRole", name="Second", permissions=[], inherits="First")
    teacher, admin = str(system_role_id("teacher")), await add_user(school, "school_admin")
    core = await do("revokePermissions", roleId=teacher, permissions=["class:read_taught"])
    assert (core["code"], core["permissions"]) == ("CORE_PERMISSION", ["class:read_taught"])
    for name, given, code in (
        ("createRole", {"name": "FIRST", "permissions": []}, "ROLE_NAME_TAKEN"),
        ("createRole", {"name": "x", "permissions": ["tenant:create"]}, "INVALID_INPUT"),
        ("updateRole", {"roleId": first, "inherits": "Second"}, "INHERITANCE_CYCLE"),
        ("updateRole", {"roleId": teacher, "name": "Guru"}, "SYSTEM_ROLE_FIXED"),
        ("updateRole", {"roleId": str(new_id()), "name": "Guru"}, "NOT_FOUND"),
        ("deleteRole", {"roleId": teacher}, "SYSTEM_ROLE_FIXED"),
        ("deleteRole", {"roleId": first}, "ROLE_IN_USE"),
        ("grantPermissions", {"roleId": first, "permissions": ["no:thing"]}, "INVALID_INPUT"),
        ("revokeRole", {"userId": str(admin.user_id), "role": "school_admin"}, "LAST_ADMINISTRATOR"),
        ("revokeRole", {"userId": str(admin.user_id), "role": "teacher"}, "NOT_FOUND"),
    ):
        answer = await do(name, **given)
        assert (answer["code"], bool(answer["message"])) == (code, True), name
    above = "Second"
    for place in range(3):
        await do("createRole", name=f"Level {place}", permissions=[], inherits=above)
        above = f"Level {place}"
    assert (await do("createRole", name="Deepest", permissions=[], inherits=above))["code"] == "INHERITANCE_TOO_DEEP"


@pytest.mark.parametrize("role", ["principal", "teacher", "student", "parent", "finance_staff", "admission_staff"])
async def test_only_administrators_work_on_roles(do, school, as_owner, role):
    some = str(system_role_id("teacher"))
    for name, given in (
        ("createRole", {"name": "x", "permissions": []}),
        ("updateRole", {"roleId": some, "name": "x"}),
        ("deleteRole", {"roleId": some}),
        ("grantPermissions", {"roleId": some, "permissions": ["class:read"]}),
        ("revokePermissions", {"roleId": some, "permissions": ["class:read"]}),
        ("revokeRole", {"userId": some, "role": "teacher"}),
    ):
        assert (await do(name, actor=actor_of(role, school), **given))["code"] == "FORBIDDEN"
    assert as_owner("identity", "select name from identity.roles") == []


async def test_a_repeated_request_makes_one_role(do, school):
    headers, admin = {"Idempotency-Key": str(new_id())}, actor_of("school_admin", school)
    answers = [await do("createRole", name="Tutor", permissions=[], headers=headers, actor=admin) for _ in range(2)]
    assert answers[0] == answers[1]


async def test_the_catalogue_is_asked_for(graph, school):
    query = "{ permissions { name resource action description } }"
    found = (await graph(query, actor=actor_of("principal", school))).ok()["permissions"]
    assert {each["name"] for each in found} == CATALOGUE.keys() - PLATFORM_ONLY
    assert all(f"{each['resource']}:{each['action']}" == each["name"] and each["description"] for each in found)
    assert (await graph(query, actor=actor_of("teacher", school))).codes == ["FORBIDDEN"]


async def test_everybody_sees_what_they_hold_themselves(graph, add_user, school):
    person = await add_user(school, "parent")
    answer = await graph(MINE, actor=person)
    me = answer.data["me"]
    assert me["effectivePermissions"] == sorted(person.permissions)
    assert [each["role"] for each in me["roleAssignments"]] == [{"name": "parent", "holders": None}]
    assert [each["validUntil"] for each in me["roleAssignments"]] == [None]
    assert answer.codes == ["FORBIDDEN"]  # how many others hold it


async def test_who_sees_what_others_hold(graph, add_user, school):
    person = await add_user(school, "parent")
    query = "query($id: ID!) { user(id: $id) { effectivePermissions roleAssignments { role { name holders } } } }"
    for role in ("school_admin", "principal"):
        user = (await graph(query, {"id": person.user_id}, actor=actor_of(role, school))).ok()["user"]
        assert user["effectivePermissions"] == sorted(person.permissions)
        assert user["roleAssignments"] == [{"role": {"name": "parent", "holders": 1}}]
    answer = await graph(query, {"id": person.user_id}, actor=actor_of("teacher", school))
    assert answer.data["user"] == {"effectivePermissions": None, "roleAssignments": None}
    assert set(answer.codes) == {"FORBIDDEN"}
