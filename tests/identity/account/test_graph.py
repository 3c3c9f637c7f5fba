"""Mutations of accounts through the graph: every role, every answer."""

import pytest

from libs.kernel import new_id
from libs.testing import actor_of
from tests.identity.conftest import PASSWORD

ROLES = ("principal", "teacher", "student", "parent", "finance_staff", "admission_staff")
ANSWER = "__typename ... on UserError { code } ... on InvalidInput { fields { path code } }"
USER = "user { id name email phone status language version emailVerified mustChangePassword lastSignInAt }"
NEW = {
    "name": "Guru Baru",
    "email": "baru@x.test",
    "phone": "0812-3456-7890",
    "roles": ["teacher"],
    "password": "Kenanga-ungu-9",
}


def document(name):
    kind = name[0].upper() + name[1:]
    success = "userId" if name == "deleteUser" else USER
    return (
        f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ {ANSWER}"
        f" ... on {kind}Success {{ {success} }} ... on WeakPassword {{ rules }} ... on Conflict {{ currentVersion }} }} }}"
    )


_WEAK, _CONFLICT = " ... on WeakPassword { rules }", " ... on Conflict { currentVersion }"


@pytest.fixture
def call(graph):
    """`await call("deleteUser", actor, userId=…)`: the answer of a mutation."""

    async def run(name, actor, /, **given):
        text = document(name)
        text = text if name == "createUser" else text.replace(_WEAK, "")
        text = text if name == "updateUser" else text.replace(_CONFLICT, "")
        return (await graph(text, {"input": given}, actor=actor)).ok()[name]

    return run


@pytest.fixture
async def admin(add_user, school):
    return await add_user(school, "school_admin", email="admin@x.test")


@pytest.fixture
async def teacher(add_user, school):
    return await add_user(school, "teacher", email="guru@x.test")


async def test_the_life_of_an_account(call, admin):
    made = await call("createUser", admin, **NEW)
    assert made["__typename"] == "CreateUserSuccess"
    user = made["user"]
    assert (user["status"], user["email"], user["phone"], user["language"]) == (
        *("ACTIVE", "baru@x.test", "+6281234567890", "id"),
    )
    assert (user["mustChangePassword"], user["emailVerified"], user["lastSignInAt"]) == (True, False, None)
    changed = await call("updateUser", admin, userId=user["id"], name="Guru Lama", phone=None, expectedVersion=1)
    assert (changed["user"]["name"], changed["user"]["phone"], changed["user"]["version"]) == ("Guru Lama", None, 2)
    assert changed["user"]["email"] == "baru@x.test"
    out = await call("deactivateUser", admin, userId=user["id"])
    assert out["user"]["status"] == "INACTIVE"
    assert (await call("activateUser", admin, userId=user["id"]))["user"]["status"] == "ACTIVE"
    gone = await call("deleteUser", admin, userId=user["id"])
    assert gone == {"__typename": "DeleteUserSuccess", "userId": user["id"]}
    assert (await call("updateUser", admin, userId=user["id"], name="X"))["code"] == "NOT_FOUND"
    assert (await call("restoreUser", admin, userId=user["id"]))["user"]["name"] == "Guru Lama"


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({"email": "GURU@x.test"}, {"__typename": "EmailTaken", "code": "EMAIL_TAKEN"}),
        ({"roles": ["wizard"]}, {"__typename": "NotFound", "code": "NOT_FOUND"}),
        (
            {"password": "gurubaru"},
            {"__typename": "WeakPassword", "code": "WEAK_PASSWORD", "rules": ["UPPER", "DIGIT", "SPECIAL", "SIMILAR"]},
        ),
        (
            {"email": "x", "roles": []},
            {
                "__typename": "InvalidInput",
                "code": "INVALID_INPUT",
                "fields": [{"path": "input.email", "code": "INVALID_EMAIL"}],
            },
        ),
        (
            {"roles": [], "language": "fr"},
            {
                "__typename": "InvalidInput",
                "code": "INVALID_INPUT",
                "fields": [
                    {"path": "input.roles", "code": "REQUIRED"},
                    {"path": "input.language", "code": "UNKNOWN_LANGUAGE"},
                ],
            },
        ),
    ],
)
async def test_what_a_new_account_can_be_refused_for(*, call, admin, teacher, as_owner, change, answer):
    assert await call("createUser", admin, **NEW | change) == answer
    assert as_owner("identity", "select count(*) as n from identity.users") == [{"n": 2}]
    assert teacher.email == "guru@x.test"


async def test_what_a_change_can_be_refused_for(call, admin, teacher):
    who = str(teacher.user_id)
    conflict = await call("updateUser", admin, userId=who, name="X", expectedVersion=7)
    assert conflict == {"__typename": "Conflict", "code": "CONFLICT", "currentVersion": 1}
    taken = await call("updateUser", admin, userId=who, email="admin@x.test")
    assert taken["code"] == "EMAIL_TAKEN"
    nameless = await call("updateUser", admin, userId=who, name=None, email=None)
    assert [field["path"] for field in nameless["fields"]] == ["input.name", "input.email"]
    assert (await call("updateUser", admin, userId=str(new_id()), name="X"))["code"] == "NOT_FOUND"


async def test_what_taking_out_can_be_refused_for(call, admin, teacher, school):
    for name in ("deleteUser", "deactivateUser"):
        assert (await call(name, admin, userId=str(admin.user_id)))["code"] == "OWN_ACCOUNT"
        other = actor_of("school_admin", school)
        assert (await call(name, other, userId=str(admin.user_id)))["code"] == "LAST_ADMINISTRATOR"
    assert (await call("restoreUser", admin, userId=str(teacher.user_id)))["code"] == "NOT_FOUND"


@pytest.mark.parametrize("role", ROLES)
async def test_only_administrators_change_accounts(*, call, add_user, school, teacher, as_owner, role):
    actor, who = await add_user(school, role), str(teacher.user_id)
    before = as_owner("identity", "select * from identity.users order by id")
    answers = [await call("createUser", actor, **NEW), await call("updateUser", actor, userId=who, name="X")]
    answers += [
        await call(name, actor, userId=who) for name in ("deleteUser", "restoreUser", "activateUser", "deactivateUser")
    ]
    assert {answer["code"] for answer in answers} == {"FORBIDDEN"}
    assert as_owner("identity", "select * from identity.users order by id") == before


@pytest.mark.parametrize("role", [*ROLES, "school_admin"])
async def test_everybody_changes_their_own_profile(call, add_user, school, role):
    actor = await add_user(school, role)
    answer = await call("updateMyProfile", actor, phone="081298765432", language="en")
    assert (answer["user"]["phone"], answer["user"]["language"]) == ("+6281298765432", "en")
    assert (await call("updateMyProfile", actor, phone=None))["user"]["language"] == "en"
    assert (await call("updateMyProfile", actor, language=None))["fields"] == [
        {"path": "input.language", "code": "REQUIRED"}
    ]


async def test_signed_in_people_alone_change_their_profile(graph):
    answer = await graph(document("updateMyProfile").replace(_WEAK, "").replace(_CONFLICT, ""), {"input": {}})
    assert answer.codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize(
    ("role", "told"),
    [("school_admin", True), ("principal", False), ("teacher", False), ("finance_staff", False), ("parent", False)],
)
async def test_who_is_told_of_others_activity(*, graph, add_user, school, teacher, role, told):
    actor = await add_user(school, role)
    query = "query($id: ID!) { user(id: $id) { emailVerified mustChangePassword lastSignInAt } }"
    answer = await graph(query, {"id": teacher.user_id}, actor=actor)
    assert (answer.data["user"]["emailVerified"] is False) is told
    assert answer.codes == ([] if told else ["FORBIDDEN"] * 3)
    own = (await graph("{ me { emailVerified mustChangePassword lastSignInAt } }", actor=actor)).ok()["me"]
    assert own == {"emailVerified": False, "mustChangePassword": False, "lastSignInAt": None}


async def test_a_sign_in_is_told_as_a_moment(graph, teacher, school):
    login = "mutation($input: LoginInput!) { login(input: $input) { __typename } }"
    given = {"email": teacher.email, "password": PASSWORD}
    assert (await graph(login, {"input": given}, tenant_id=school)).ok()
    moment = (await graph("{ me { lastSignInAt createdAt } }", actor=teacher)).ok()["me"]
    assert moment["lastSignInAt"] > moment["createdAt"]
    assert moment["lastSignInAt"].endswith("Z")
