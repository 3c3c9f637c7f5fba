"""Roles through the graph."""

import pytest

from libs.auth import SYSTEM_ROLES
from libs.testing import actor_of

ROLES = "{ roles { id name description permissions isSystemRole } }"
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
