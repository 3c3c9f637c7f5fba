"""Sign-in, renewal and sign-out through the graph."""

import dataclasses

import pytest

from libs.auth import SYSTEM_ROLES
from libs.kernel import PLATFORM_TENANT_ID
from libs.testing import actor_of
from tests.identity.conftest import PASSWORD

LOGIN = """mutation($input: LoginInput!) { login(input: $input) { __typename
  ... on LoginSuccess { accessToken refreshToken expiresIn deviceToken user { id email roles { name } } }
  ... on UserError { code message } ... on AccountLocked { retryAfter byMail } ... on InvalidInput { fields { path } } } }"""
REFRESH = """mutation($input: RefreshTokenInput!) { refreshToken(input: $input) { __typename
  ... on RefreshTokenSuccess { accessToken refreshToken expiresIn } ... on UserError { code } } }"""
LOGOUT = "mutation { logout { __typename ... on LogoutSuccess { sessionId } ... on UserError { code } } }"


@pytest.fixture
def sign_in(graph):
    async def run(email, password=PASSWORD, *, tenant_id=None, headers=None, **further):
        given = {"input": {"email": email, "password": password, **further}}
        return (await graph(LOGIN, given, tenant_id=tenant_id, headers=headers)).ok()["login"]

    return run


async def bearer(graph, token, query, tenant_id=None):
    return await graph(query, headers={"authorization": f"Bearer {token}"}, tenant_id=tenant_id)


async def test_a_sign_in_answers_with_tokens_and_the_account(graph, sign_in, add_user, school):
    person = await add_user(school, "teacher", email="guru@x.test")
    answer = await sign_in("GURU@x.test", tenant_id=school)
    assert answer["expiresIn"] == 900
    assert answer["user"] == {"id": str(person.user_id), "email": "guru@x.test", "roles": [{"name": "teacher"}]}
    me = await bearer(graph, answer["accessToken"], "{ me { id } tenant { id } }")
    assert me.ok() == {"me": {"id": str(person.user_id)}, "tenant": {"id": str(school)}}


async def test_a_platform_administrator_signs_in_without_a_header(graph, sign_in, add_user, school):
    admin = await add_user(PLATFORM_TENANT_ID, "super_admin", email="platform@x.test")
    answer = await sign_in("platform@x.test")
    assert answer["user"]["id"] == str(admin.user_id)
    assert answer["user"]["roles"] == [{"name": "super_admin"}]
    inside = await bearer(graph, answer["accessToken"], "{ tenant { id } }", tenant_id=school)
    assert inside.ok()["tenant"]["id"] == str(school)
    outside = await bearer(graph, answer["accessToken"], LOGOUT, tenant_id=school)
    assert outside.ok()["logout"]["__typename"] == "LogoutSuccess"


async def test_failures_are_counted_although_they_are_answers(sign_in, add_user, school, as_owner):
    await add_user(school, "teacher", email="guru@x.test")
    for _ in range(5):
        assert (await sign_in("guru@x.test", "wrong", tenant_id=school))["code"] == "INVALID_CREDENTIALS"
    locked = await sign_in("guru@x.test", tenant_id=school)
    assert locked["__typename"] == "AccountLocked"
    assert 890 <= locked["retryAfter"] <= 901
    assert "detik" in locked["message"]
    elsewhere = await sign_in("guru@x.test", tenant_id=school, headers={"x-forwarded-for": "198.51.100.9"})
    assert elsewhere["__typename"] == "LoginSuccess"


async def test_a_hundred_aliased_sign_ins_are_a_hundred_attempts(graph, add_user, school):
    await add_user(school, "teacher", email="guru@x.test")
    field = 'a{n}: login(input: {{email: "guru@x.test", password: "wrong{n}"}}) {{ ... on UserError {{ code }} }}'
    document = "mutation {" + " ".join(field.format(n=n) for n in range(20)) + "}"
    answer = (await graph(document, tenant_id=school)).ok()
    assert [each["code"] for each in answer.values()] == ["INVALID_CREDENTIALS"] * 5 + ["ACCOUNT_LOCKED"] * 15


async def test_the_two_unknown_look_alike(sign_in, add_user, school, other_school):
    await add_user(other_school, "teacher", email="guru@x.test")
    unknown = await sign_in("nobody@x.test", tenant_id=school)
    assert unknown == await sign_in("guru@x.test", tenant_id=school)
    assert unknown["code"] == "INVALID_CREDENTIALS"


async def test_a_suspended_school_says_so(graph, sign_in, add_user, school, as_owner):
    person = await add_user(school, "teacher", email="guru@x.test")
    as_owner("identity", "update identity.tenants set status = 'SUSPENDED' where id = %s", (school,))
    assert (await sign_in("guru@x.test", tenant_id=school))["code"] == "TENANT_SUSPENDED"
    assert (await graph("{ me { id } }", actor=person)).codes == ["TENANT_SUSPENDED"]


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"email": "x"}, ["input.email"]),
        ({"password": "x" * 1001}, ["input.password"]),
        ({"device": "a\u0007"}, ["input.device"]),
    ],
)
async def test_malformed_sign_ins(graph, school, change, paths):
    given = {"input": {"email": "a@x.test", "password": "x"} | change}
    answer = (await graph(LOGIN, given, tenant_id=school)).ok()["login"]
    assert [field["path"] for field in answer["fields"]] == paths


async def test_a_renewal_needs_neither_header_nor_access_token(graph, sign_in, add_user, school, other_school):
    await add_user(school, "teacher", email="guru@x.test")
    first = (await sign_in("guru@x.test", tenant_id=school))["refreshToken"]
    wrong = await graph(REFRESH, {"input": {"refreshToken": first}}, tenant_id=other_school)
    assert wrong.ok()["refreshToken"]["code"] == "INVALID_TOKEN"
    second = (await graph(REFRESH, {"input": {"refreshToken": first}})).ok()["refreshToken"]
    assert second["__typename"] == "RefreshTokenSuccess"
    third = await graph(REFRESH, {"input": {"refreshToken": second["refreshToken"]}}, tenant_id=school)
    assert third.ok()["refreshToken"]["__typename"] == "RefreshTokenSuccess"
    replayed = await graph(REFRESH, {"input": {"refreshToken": first}})
    assert replayed.ok()["refreshToken"]["code"] == "INVALID_TOKEN"
    ended = await graph(REFRESH, {"input": {"refreshToken": third.ok()["refreshToken"]["refreshToken"]}})
    assert ended.ok()["refreshToken"]["code"] == "INVALID_TOKEN"
    assert (await bearer(graph, second["accessToken"], "{ me { id } }")).codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize("token", ["", "x", "A" * 64, "A" * 201, "\u0000"])
async def test_odd_tokens_renew_nothing(graph, token, school):
    answer = (await graph(REFRESH, {"input": {"refreshToken": token}})).ok()["refreshToken"]
    assert answer["code"] in {"INVALID_TOKEN", "INVALID_INPUT"}


async def test_sign_out_voids_the_access_token_at_once(graph, sign_in, add_user, school):
    await add_user(school, "teacher", email="guru@x.test")
    session = await sign_in("guru@x.test", tenant_id=school)
    other = await sign_in("guru@x.test", tenant_id=school)
    assert (await bearer(graph, session["accessToken"], LOGOUT)).ok()["logout"]["sessionId"]
    assert (await bearer(graph, session["accessToken"], "{ me { id } }")).codes == ["UNAUTHENTICATED"]
    assert (await bearer(graph, other["accessToken"], "{ me { id } }")).ok()["me"]


async def test_sign_out_without_a_session(graph, add_user, school):
    assert (await graph(LOGOUT)).codes == ["UNAUTHENTICATED"]
    stranger = actor_of("teacher", school)
    assert (await graph(LOGOUT, actor=stranger)).ok()["logout"]["code"] == "NOT_FOUND"


async def test_a_token_of_one_school_opens_no_other(graph, sign_in, add_user, school, other_school):
    await add_user(school, "school_admin", email="guru@x.test")
    token = (await sign_in("guru@x.test", tenant_id=school))["accessToken"]
    assert (await bearer(graph, token, "{ me { id } }", tenant_id=other_school)).codes == ["TENANT_MISMATCH"]


async def test_a_raised_version_voids_tokens(graph, add_user, school):
    person = await add_user(school, "teacher")
    admin = actor_of("school_admin", school)
    assign = 'mutation($id: ID!) { assignRole(input: {userId: $id, role: "finance_staff"}) { __typename } }'
    assert (await graph(assign, {"id": person.user_id}, actor=admin)).ok()["assignRole"][
        "__typename"
    ] == "AssignRoleSuccess"
    assert (await graph("{ me { id } }", actor=person)).codes == ["UNAUTHENTICATED"]
    renewed = dataclasses.replace(person, version=2)
    assert (await graph("{ me { id } }", actor=renewed)).ok()["me"]


OWN = "{ me { sessions { id device address userAgent createdAt lastUsedAt expiresAt current } devices { id name lastUsedAt } } }"
OTHERS = "query($id: ID!) { user(id: $id) { name sessions { id } devices { id } } }"


async def test_the_own_sessions_and_devices(graph, sign_in, add_user, school):
    await add_user(school, "parent", email="ibu@x.test")
    headers = {"x-forwarded-for": "198.51.100.9", "user-agent": "Firefox"}
    first = await sign_in("ibu@x.test", tenant_id=school, headers=headers, device="HP")
    second = await sign_in("ibu@x.test", tenant_id=school)
    me = (await bearer(graph, first["accessToken"], OWN)).ok()["me"]
    assert [session["current"] for session in me["sessions"]] == [False, True]
    mine = me["sessions"][1]
    assert (mine["device"], mine["address"], mine["userAgent"]) == ("HP", "198.51.100.9", "Firefox")
    assert mine["createdAt"] <= mine["lastUsedAt"] < mine["expiresAt"]
    assert sorted(str(device["name"]) for device in me["devices"]) == ["HP", "None"]
    await bearer(graph, second["accessToken"], LOGOUT)
    me = (await bearer(graph, first["accessToken"], OWN)).ok()["me"]
    assert [session["id"] for session in me["sessions"]] == [mine["id"]]


@pytest.mark.parametrize("role", sorted(SYSTEM_ROLES.keys() - {"super_admin"}))
async def test_the_sessions_of_others_need_a_permission(*, graph, sign_in, add_user, school, other_school, role):
    person = await add_user(school, "teacher", email="guru@x.test")
    await sign_in("guru@x.test", tenant_id=school)
    answer = await graph(OTHERS, {"id": person.user_id}, actor=actor_of(role, school))
    if role == "school_admin":
        assert len(answer.ok()["user"]["sessions"]) == len(answer.ok()["user"]["devices"]) == 1
    else:
        assert answer.data["user"] == {"name": "Siti Rahma", "sessions": None, "devices": None}
        assert answer.codes == ["FORBIDDEN"] * 2
    foreign = await graph(OTHERS, {"id": person.user_id}, actor=actor_of("school_admin", other_school))
    assert foreign.ok()["user"] is None


REVOKE = """mutation($id: ID!) { revokeSession(input: {sessionId: $id}) { __typename
  ... on RevokeSessionSuccess { sessionId } ... on UserError { code } } }"""
EVERYWHERE = """mutation($this: Boolean!) { logoutEverywhere(input: {exceptThis: $this}) { __typename
  ... on LogoutEverywhereSuccess { ended } ... on UserError { code } } }"""
FORGET = """mutation($id: ID!) { forgetDevice(input: {deviceId: $id}) { __typename
  ... on ForgetDeviceSuccess { deviceId } ... on UserError { code } } }"""
UNLOCK = """mutation($id: ID!) { unlockUser(input: {userId: $id}) { __typename
  ... on UnlockUserSuccess { user { id } } ... on UserError { code } } }"""


async def test_a_revoked_session_is_void_at_once(graph, sign_in, add_user, school, other_school):
    await add_user(school, "teacher", email="guru@x.test")
    token = (await sign_in("guru@x.test", tenant_id=school))["accessToken"]
    (session,) = (await bearer(graph, token, OWN)).ok()["me"]["sessions"]
    for actor, code in (
        (actor_of("school_admin", other_school), "NOT_FOUND"),
        (actor_of("parent", school), "NOT_FOUND"),
        (demoted(actor_of("school_admin", school), "user:unlock", "session:revoke"), "FORBIDDEN"),
    ):
        answer = (await graph(REVOKE, {"id": session["id"]}, actor=actor)).ok()["revokeSession"]
        assert answer["code"] == code
    done = (await graph(REVOKE, {"id": session["id"]}, actor=actor_of("school_admin", school))).ok()["revokeSession"]
    assert done == {"__typename": "RevokeSessionSuccess", "sessionId": session["id"]}
    assert (await bearer(graph, token, OWN)).codes == ["UNAUTHENTICATED"]


def demoted(actor, *permissions):  # noqa: ANN002 - names
    """The same person, who may do no more than this."""
    return dataclasses.replace(actor, permissions=frozenset(permissions))


async def test_signing_out_everywhere_else(graph, sign_in, add_user, school):
    await add_user(school, "teacher", email="guru@x.test")
    here, there = [(await sign_in("guru@x.test", tenant_id=school))["accessToken"] for _ in range(2)]
    headers = {"authorization": f"Bearer {here}"}
    assert (await graph(EVERYWHERE, {"this": True}, headers=headers)).ok()["logoutEverywhere"]["ended"] == 1
    assert (await bearer(graph, there, OWN)).codes == ["UNAUTHENTICATED"]
    assert (await graph(EVERYWHERE, {"this": False}, headers=headers)).ok()["logoutEverywhere"]["ended"] == 1
    assert (await bearer(graph, here, OWN)).codes == ["UNAUTHENTICATED"]
    assert (await graph(EVERYWHERE, {"this": False})).codes == ["UNAUTHENTICATED"]


async def test_a_platform_administrator_signs_out_at_home_wherever_they_act(graph, sign_in, add_user, school):
    await add_user(PLATFORM_TENANT_ID, "super_admin", email="platform@x.test")
    token = (await sign_in("platform@x.test"))["accessToken"]
    headers = {"authorization": f"Bearer {token}"}
    (device,) = (await bearer(graph, token, OWN)).ok()["me"]["devices"]
    forgotten = await graph(FORGET, {"id": device["id"]}, headers=headers, tenant_id=school)
    assert forgotten.ok()["forgetDevice"] == {"__typename": "ForgetDeviceSuccess", "deviceId": device["id"]}
    assert (await bearer(graph, token, OWN)).codes == ["UNAUTHENTICATED"]
    headers = {"authorization": f"Bearer {(await sign_in('platform@x.test'))['accessToken']}"}
    everywhere = await graph(EVERYWHERE, {"this": False}, headers=headers, tenant_id=school)
    assert everywhere.ok()["logoutEverywhere"]["ended"] == 1


async def test_a_device_that_is_known_gives_its_token_back(graph, sign_in, add_user, school):
    await add_user(school, "teacher", email="guru@x.test")
    first = await sign_in("guru@x.test", tenant_id=school)
    again = await sign_in("guru@x.test", tenant_id=school, deviceToken=first["deviceToken"])
    assert first["deviceToken"] == again["deviceToken"]
    (device,) = (await bearer(graph, again["accessToken"], OWN)).ok()["me"]["devices"]
    stranger = actor_of("school_admin", school)
    assert (await graph(FORGET, {"id": device["id"]}, actor=stranger)).ok()["forgetDevice"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("role", sorted(SYSTEM_ROLES.keys() - {"super_admin"}))
async def test_who_may_unlock(*, graph, sign_in, add_user, school, other_school, role):
    person = await add_user(school, "teacher", email="guru@x.test")
    for _ in range(5):
        await sign_in("guru@x.test", "wrong", tenant_id=school)
    answer = (await graph(UNLOCK, {"id": person.user_id}, actor=actor_of(role, school))).ok()["unlockUser"]
    foreign = await graph(UNLOCK, {"id": person.user_id}, actor=actor_of("school_admin", other_school))
    assert foreign.ok()["unlockUser"]["code"] == "NOT_FOUND"
    again = await sign_in("guru@x.test", tenant_id=school)
    if role == "school_admin":
        assert answer == {"__typename": "UnlockUserSuccess", "user": {"id": str(person.user_id)}}
        assert again["__typename"] == "LoginSuccess"
    else:
        assert answer["code"] == "FORBIDDEN"
        assert (again["__typename"], again["byMail"]) == ("AccountLocked", False)
