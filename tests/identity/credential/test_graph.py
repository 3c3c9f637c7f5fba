"""Passwords and policies through the graph."""

import pytest

from libs.auth import SYSTEM_ROLES
from libs.kernel import PLATFORM_TENANT_ID
from libs.testing import actor_of
from tests.identity.conftest import PASSWORD
from tests.identity.credential.conftest import LOGIN, NEW_PASSWORD

ASK = """mutation($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { __typename
  ... on RequestPasswordResetSuccess { expiresIn } ... on UserError { code } } }"""
RESET = """mutation($input: ResetPasswordInput!) { resetPassword(input: $input) { __typename
  ... on ResetPasswordSuccess { user { id email } } ... on UserError { code message }
  ... on WeakPassword { rules } } }"""
POLICY = "{ passwordPolicy { kind minLength rules history secondFactorRoles } passwordRules { kind minLength rules } }"
CONFIGURE = """mutation($input: ConfigurePasswordPolicyInput!) { configurePasswordPolicy(input: $input) { __typename
  ... on ConfigurePasswordPolicySuccess { policy { kind minLength rules history secondFactorRoles } }
  ... on UserError { code } ... on InvalidInput { fields { path } } } }"""
STRENGTH = """query($password: String!) { passwordStrength(password: $password, email: "ibu@x.test", name: "Ibu Wati") {
  score rules } }"""


async def test_a_forgotten_password_through_the_graph(graph, links, add_user, school, other_school):
    person = await add_user(school, "parent", email="ibu@x.test", name="Ibu Wati")
    for email, tenant in (("ibu@x.test", school), ("nobody@x.test", school), ("ibu@x.test", other_school)):
        asked = await graph(ASK, {"input": {"email": email}}, tenant_id=tenant)
        assert asked.ok()["requestPasswordReset"] == {
            "__typename": "RequestPasswordResetSuccess",
            "expiresIn": 1800,
        }
    (token,) = links()
    weak = await graph(RESET, {"input": {"token": token, "password": "ibuwati"}})
    assert weak.ok()["resetPassword"]["rules"] == ["LENGTH", "UPPER", "DIGIT", "SPECIAL", "SIMILAR"]
    done = await graph(RESET, {"input": {"token": token, "password": "Kenanga-biru-8"}})
    assert done.ok()["resetPassword"]["user"] == {"id": str(person.user_id), "email": "ibu@x.test"}
    again = await graph(RESET, {"input": {"token": token, "password": "Anggrek-ungu-9"}})
    assert again.ok()["resetPassword"]["code"] == "INVALID_TOKEN"


@pytest.mark.parametrize("role", SYSTEM_ROLES)
async def test_who_sees_and_says_what_the_school_demands(graph, school, role):
    actor = actor_of(role, school)
    asked = await graph(POLICY, actor=actor)
    given = {"kind": "LENGTH", "minLength": 16, "history": 3, "secondFactorRoles": []}
    said = (await graph(CONFIGURE, {"input": given}, actor=actor)).ok()["configurePasswordPolicy"]
    if actor.may("password_policy:read"):
        assert asked.ok()["passwordPolicy"]["history"] == 5
    else:
        assert asked.codes == ["FORBIDDEN"]
    if actor.may("password_policy:configure"):
        rules = ["LENGTH", "TOO_LONG", "COMMON", "SIMILAR", "REUSED"]
        assert said["policy"] == given | {"rules": rules}
    else:
        assert said == {"__typename": "Forbidden", "code": "FORBIDDEN"}


async def test_everybody_knows_the_rules_of_a_school_and_how_a_password_stands_to_them(graph, school, other_school):
    given = {"kind": "LENGTH", "minLength": 12, "history": 0, "secondFactorRoles": ["nobody"]}
    admin = actor_of("school_admin", school)
    refused = (await graph(CONFIGURE, {"input": given}, actor=admin)).ok()["configurePasswordPolicy"]
    assert [fault["path"] for fault in refused["fields"]] == ["input.minLength", "input.history"]
    given |= {"minLength": 15, "history": 1}
    assert (await graph(CONFIGURE, {"input": given}, actor=admin)).ok()["configurePasswordPolicy"][
        "code"
    ] == "NOT_FOUND"
    given["secondFactorRoles"] = ["principal", "principal"]
    said = (await graph(CONFIGURE, {"input": given}, actor=admin)).ok()["configurePasswordPolicy"]
    assert said["policy"]["secondFactorRoles"] == ["principal"]
    rules = "{ passwordRules { kind minLength } }"
    assert (await graph(rules, tenant_id=school)).ok()["passwordRules"] == {"kind": "LENGTH", "minLength": 15}
    assert (await graph(rules, tenant_id=other_school)).ok()["passwordRules"]["minLength"] == 8
    long = {"password": "bunga mekar di tepi sungai"}
    assert (await graph(STRENGTH, long, tenant_id=school)).ok()["passwordStrength"] == {"score": 4, "rules": []}
    assert (await graph(STRENGTH, {"password": "Ibuwati-1234"})).ok()["passwordStrength"]["rules"] == ["SIMILAR"]


CHANGE = """mutation($input: ChangePasswordInput!) { changePassword(input: $input) { __typename
  ... on ChangePasswordSuccess { accessToken refreshToken expiresIn } ... on UserError { code message }
  ... on WeakPassword { rules } ... on AccountLocked { retryAfter } ... on InvalidInput { fields { path } } } }"""


@pytest.fixture
def sign_in(graph):
    async def run(email, password=PASSWORD, *, tenant_id=None):
        given = {"input": {"email": email, "password": password}}
        return (await graph(LOGIN, given, tenant_id=tenant_id)).ok()["login"]

    return run


@pytest.fixture
def change_by(graph):
    """`await change_by(token, current, new)`."""

    async def run(token, current, new=NEW_PASSWORD, **request):
        given = {"input": {"currentPassword": current, "newPassword": new}}
        headers = {"authorization": f"Bearer {token}"}
        return (await graph(CHANGE, given, headers=headers, **request)).ok()["changePassword"]

    return run


async def test_a_password_is_changed_and_the_client_stays_signed_in(graph, sign_in, change_by, add_user, school):
    await add_user(school, "parent", email="ibu@x.test")
    token = (await sign_in("ibu@x.test", tenant_id=school))["accessToken"]
    assert (await change_by(token, " "))["fields"] == [{"path": "input.currentPassword"}]
    assert (await change_by(token, PASSWORD, "ibu"))["rules"] == ["LENGTH", "UPPER", "DIGIT", "SPECIAL", "COMMON"]
    assert (await change_by(token, "wrong"))["message"] == "Kata sandi saat ini salah."
    done = await change_by(token, PASSWORD)
    assert done["expiresIn"] == 900
    old, fresh = ({"authorization": f"Bearer {each}"} for each in (token, done["accessToken"]))
    assert (await graph("{ me { id } }", headers=old)).codes == ["UNAUTHENTICATED"]
    assert (await graph("{ me { id } }", headers=fresh)).ok()["me"]
    for _ in range(5):
        assert (await change_by(done["accessToken"], "wrong"))["code"] == "WRONG_PASSWORD"
    assert (await change_by(done["accessToken"], NEW_PASSWORD))["retryAfter"] > 800
    assert (await sign_in("ibu@x.test", NEW_PASSWORD, tenant_id=school))["accessToken"]
    assert (await graph(CHANGE, {"input": {"currentPassword": "a", "newPassword": "b"}})).codes == ["UNAUTHENTICATED"]


async def test_a_platform_administrator_in_a_school_changes_the_password_at_home(
    *, sign_in, change_by, add_user, school
):
    await add_user(PLATFORM_TENANT_ID, "super_admin", email="admin@x.test")
    token = (await sign_in("admin@x.test"))["accessToken"]
    assert (await change_by(token, PASSWORD, tenant_id=school))["__typename"] == "ChangePasswordSuccess"
    assert (await sign_in("admin@x.test", NEW_PASSWORD))["accessToken"]


async def test_a_change_that_was_due_opens_the_other_mutations(
    *, graph, sign_in, change_by, add_user, school, as_owner
):
    await add_user(school, "school_admin", email="admin@x.test")
    as_owner("identity", "update identity.users set must_change_password = true")
    invite = 'mutation { inviteUser(input: {name: "Adi", email: "a@x.test", roles: ["teacher"]}) { __typename } }'
    token = (await sign_in("admin@x.test", tenant_id=school))["accessToken"]
    assert (await graph(invite, headers={"authorization": f"Bearer {token}"})).codes == ["PASSWORD_CHANGE_REQUIRED"]
    fresh = (await change_by(token, PASSWORD))["accessToken"]
    done = await graph(invite, headers={"authorization": f"Bearer {fresh}"})
    assert done.ok()["inviteUser"]["__typename"] == "InviteUserSuccess"


async def test_a_suspended_school_tells_nobody_its_rules(graph, school, as_owner):
    as_owner("identity", "update identity.tenants set status = 'SUSPENDED' where id = %s", (school,))
    for question in ("{ passwordRules { minLength } }", '{ passwordStrength(password: "a") { score } }'):
        assert (await graph(question, tenant_id=school)).codes == ["TENANT_SUSPENDED"]
    assert (await graph("{ passwordPolicy { kind } }")).codes == ["UNAUTHENTICATED"]
