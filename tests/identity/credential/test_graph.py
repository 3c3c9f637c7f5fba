"""Passwords, second factors and policies through the graph."""

import pyotp
import pytest

from libs.auth import SYSTEM_ROLES
from libs.kernel import PLATFORM_TENANT_ID, new_id
from libs.testing import actor_of
from tests.identity.conftest import PASSWORD

START = "mutation { startTotp { __typename ... on StartTotpSuccess { secret uri qrCode } ... on UserError { code } } }"
CONFIRM = """mutation($input: ConfirmTotpInput!) { confirmTotp(input: $input) { __typename
  ... on ConfirmTotpSuccess { recoveryCodes } ... on UserError { code message } } }"""
LOGIN = """mutation($input: LoginInput!) { login(input: $input) { __typename
  ... on LoginSuccess { accessToken refreshToken } ... on UserError { code message } } }"""


@pytest.fixture
def set_up(graph, clock):
    """`secret = await set_up(actor)`: a second factor in force."""

    async def run(actor, **request):
        made = (await graph(START, actor=actor, **request)).ok()["startTotp"]
        code = {"input": {"code": pyotp.TOTP(made["secret"]).at(clock.now)}}
        confirmed = (await graph(CONFIRM, code, actor=actor, **request)).ok()["confirmTotp"]
        assert len(confirmed["recoveryCodes"]) == 10
        return made["secret"], confirmed["recoveryCodes"]

    return run


async def test_a_second_factor_from_its_start_to_a_sign_in(graph, set_up, add_user, school):
    person = await add_user(school, "parent", email="ibu@x.test")
    _, codes = await set_up(person)
    for otp, code in ((None, "SECOND_FACTOR_REQUIRED"), ("12345", "INVALID_CODE"), (codes[0], None)):
        given = {"input": {"email": "ibu@x.test", "password": PASSWORD, "otp": otp}}
        answer = (await graph(LOGIN, given, tenant_id=school)).ok()["login"]
        assert answer.get("code") == code
    wrong = {"input": {"email": "ibu@x.test", "password": "wrong", "otp": codes[1]}}
    refused = (await graph(LOGIN, wrong, tenant_id=school)).ok()["login"]
    assert refused["__typename"] == "InvalidCredentials"
    assert (await graph(START, actor=person)).ok()["startTotp"]["code"] == "SECOND_FACTOR_ACTIVE"


async def test_a_platform_administrator_in_a_school_sets_it_up_at_home(graph, set_up, add_user, school, as_owner):
    home = await add_user(PLATFORM_TENANT_ID, "super_admin", email="admin@x.test")
    inside = actor_of("super_admin", school, user_id=home.user_id, acting_on=school)
    await set_up(inside)
    assert as_owner("identity", "select tenant_id from identity.second_factors") == [{"tenant_id": PLATFORM_TENANT_ID}]


async def test_an_idempotency_key_keeps_no_secret(graph, add_user, school, as_owner):
    person = await add_user(school, "teacher")
    headers = {"idempotency-key": str(new_id())}
    first, second = [(await graph(START, actor=person, headers=headers)).ok()["startTotp"] for _ in range(2)]
    assert first["secret"] != second["secret"]
    assert as_owner("identity", "select * from identity.idempotency_keys") == []


async def test_whoever_has_no_account_here_sets_nothing_up(graph, school):
    assert (await graph(START)).codes == ["UNAUTHENTICATED"]
    stranger = actor_of("teacher", school)
    assert (await graph(START, actor=stranger)).ok()["startTotp"]["code"] == "NOT_FOUND"
    answer = (await graph(CONFIRM, {"input": {"code": "123456"}}, actor=stranger)).ok()["confirmTotp"]
    assert answer["code"] == "NOT_FOUND"


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
