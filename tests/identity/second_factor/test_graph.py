"""Second factors through the graph."""

import dataclasses

import pyotp
import pytest

from libs.auth import SYSTEM_ROLES
from libs.kernel import PLATFORM_TENANT_ID, new_id
from libs.testing import actor_of
from tests.identity.conftest import PASSWORD
from tests.identity.credential.conftest import LOGIN

START = """mutation($input: StartTotpInput!) { startTotp(input: $input) { __typename
  ... on StartTotpSuccess { secret uri qrCode } ... on UserError { code }
  ... on InvalidInput { fields { path code } } } }"""
KNOWN = {"input": {"password": PASSWORD}}
CONFIRM = """mutation($input: ConfirmTotpInput!) { confirmTotp(input: $input) { __typename
  ... on ConfirmTotpSuccess { recoveryCodes } ... on UserError { code message } } }"""


@pytest.fixture
def set_up(graph, clock):
    """`secret = await set_up(actor)`: a second factor in force."""

    async def run(actor, **request):
        made = (await graph(START, KNOWN, actor=actor, **request)).ok()["startTotp"]
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
    assert (await graph(START, KNOWN, actor=person)).ok()["startTotp"]["code"] == "SECOND_FACTOR_ACTIVE"


async def test_a_platform_administrator_in_a_school_sets_it_up_at_home(graph, set_up, add_user, school, as_owner):
    home = await add_user(PLATFORM_TENANT_ID, "super_admin", email="admin@x.test")
    inside = actor_of("super_admin", school, user_id=home.user_id, acting_on=school)
    await set_up(inside)
    assert as_owner("identity", "select tenant_id from identity.second_factors") == [{"tenant_id": PLATFORM_TENANT_ID}]


async def test_an_idempotency_key_keeps_no_secret(graph, add_user, school, as_owner):
    person = await add_user(school, "teacher")
    headers = {"idempotency-key": str(new_id())}
    first, second = [(await graph(START, KNOWN, actor=person, headers=headers)).ok()["startTotp"] for _ in range(2)]
    assert first["secret"] != second["secret"]
    assert as_owner("identity", "select * from identity.idempotency_keys") == []


async def test_whoever_has_no_account_here_sets_nothing_up(graph, school):
    assert (await graph(START, KNOWN)).codes == ["UNAUTHENTICATED"]
    stranger = actor_of("teacher", school)
    assert (await graph(START, KNOWN, actor=stranger)).ok()["startTotp"]["code"] == "NOT_FOUND"
    answer = (await graph(CONFIRM, {"input": {"code": "123456"}}, actor=stranger)).ok()["confirmTotp"]
    assert answer["code"] == "NOT_FOUND"


DISABLE = """mutation($input: DisableTotpInput!) { disableTotp(input: $input) { __typename
  ... on DisableTotpSuccess { required } ... on UserError { code message } ... on AccountLocked { retryAfter }
  ... on InvalidInput { fields { path } } } }"""
REGENERATE = """mutation($input: RegenerateRecoveryCodesInput!) { regenerateRecoveryCodes(input: $input) { __typename
  ... on RegenerateRecoveryCodesSuccess { recoveryCodes } ... on UserError { code } } }"""
SECURED = "query($id: ID!) { user(id: $id) { secondFactor } }"


async def test_whoever_shows_that_it_is_theirs_renews_codes_and_switches_it_off(graph, set_up, add_user, school):
    person = await add_user(school, "parent", email="ibu@x.test")
    none = (await graph(DISABLE, {"input": {"password": PASSWORD}}, actor=person)).ok()["disableTotp"]
    assert none["code"] == "NOT_FOUND"
    _, codes = await set_up(person)
    for given in ({}, {"password": PASSWORD, "code": "1"}, {"password": ""}):
        refused = (await graph(DISABLE, {"input": given}, actor=person)).ok()["disableTotp"]
        assert refused["fields"] == [{"path": "input.password"}]
    renewed = await graph(REGENERATE, {"input": {"code": codes[0]}}, actor=person)
    assert len(renewed.ok()["regenerateRecoveryCodes"]["recoveryCodes"]) == 10
    used = await graph(REGENERATE, {"input": {"code": codes[0]}}, actor=person)
    assert used.ok()["regenerateRecoveryCodes"]["code"] == "INVALID_CODE"
    wrong = (await graph(DISABLE, {"input": {"password": "wrong"}}, actor=person)).ok()["disableTotp"]
    assert (wrong["code"], wrong["message"]) == ("WRONG_PASSWORD", "Kata sandi saat ini salah.")
    done = (await graph(DISABLE, {"input": {"password": PASSWORD}}, actor=person)).ok()["disableTotp"]
    assert done == {"__typename": "DisableTotpSuccess", "required": False}


async def test_counted_guesses_survive_an_idempotency_key(graph, set_up, add_user, school):
    person = await add_user(school, "parent", email="ibu@x.test")
    await set_up(person)
    headers = {"idempotency-key": str(new_id())}
    for _ in range(5):
        wrong = await graph(DISABLE, {"input": {"password": "wrong"}}, actor=person, headers=headers)
        assert wrong.ok()["disableTotp"]["code"] == "WRONG_PASSWORD"
    locked = (await graph(DISABLE, {"input": {"password": PASSWORD}}, actor=person)).ok()["disableTotp"]
    assert locked["code"] == "ACCOUNT_LOCKED"
    assert locked["retryAfter"] > 800


async def test_who_sees_that_somebody_has_one(graph, set_up, add_user, school):
    person = await add_user(school, "teacher")
    variables = {"id": person.user_id}
    assert (await graph(SECURED, variables, actor=person)).ok()["user"] == {"secondFactor": False}
    await set_up(person)
    assert (await graph(SECURED, variables, actor=person)).ok()["user"] == {"secondFactor": True}
    admin = actor_of("school_admin", school)
    assert (await graph(SECURED, variables, actor=admin)).ok()["user"] == {"secondFactor": True}
    assert (await graph(SECURED, variables, actor=actor_of("teacher", school))).codes == ["FORBIDDEN"]


@pytest.mark.parametrize("given", ["", "   "])
async def test_nothing_is_no_guess(graph, add_user, school, audited, given):
    person = await add_user(school, "teacher")
    refused = (await graph(START, {"input": {"password": given}}, actor=person)).ok()["startTotp"]
    assert refused["fields"] == [{"path": "input.password", "code": "REQUIRED"}]
    assert "auth.proof_failed" not in audited(school)


async def test_every_wrong_proof_of_a_start_is_answered_and_kept(graph, add_user, school, other_school):
    person = await add_user(school, "teacher", email="guru@x.test")
    headers = {"idempotency-key": str(new_id())}
    wrong = {"input": {"password": "wrong"}}
    for _ in range(5):
        assert (await graph(START, wrong, actor=person, headers=headers)).ok()["startTotp"]["code"] == "WRONG_PASSWORD"
    assert (await graph(START, KNOWN, actor=person)).ok()["startTotp"]["code"] == "ACCOUNT_LOCKED"
    code = {"input": {"code": "123456"}}
    assert (await graph(CONFIRM, code, actor=person)).ok()["confirmTotp"]["code"] == "NOT_FOUND"
    other = await add_user(other_school, "teacher", email="guru@x.test")
    assert (await graph(START, KNOWN, actor=other)).ok()["startTotp"]["__typename"] == "StartTotpSuccess"
    for _ in range(5):
        assert (await graph(CONFIRM, {"input": {"code": "x"}}, actor=other)).ok()["confirmTotp"][
            "code"
        ] == "INVALID_CODE"
    assert (await graph(CONFIRM, code, actor=other)).ok()["confirmTotp"]["code"] == "ACCOUNT_LOCKED"


RESET = """mutation($id: ID!) { resetSecondFactor(input: {userId: $id}) { __typename
  ... on ResetSecondFactorSuccess { user { id secondFactor } } ... on UserError { code message } } }"""


@pytest.mark.parametrize("role", sorted(SYSTEM_ROLES.keys() - {"super_admin"}))
async def test_who_may_reset(*, graph, set_up, add_user, school, other_school, role):
    person = await add_user(school, "teacher")
    await set_up(person)
    variables = {"id": person.user_id}
    foreign = await graph(RESET, variables, actor=actor_of("school_admin", other_school))
    assert foreign.ok()["resetSecondFactor"]["code"] == "NOT_FOUND"
    answer = (await graph(RESET, variables, actor=actor_of(role, school))).ok()["resetSecondFactor"]
    if role == "school_admin":
        assert answer["user"] == {"id": str(person.user_id), "secondFactor": False}
        again = (await graph(RESET, variables, actor=actor_of(role, school))).ok()["resetSecondFactor"]
        assert (again["code"], again["message"]) == ("NO_SECOND_FACTOR", "Akun ini tidak memakai faktor kedua.")
    else:
        assert answer["code"] == "FORBIDDEN"


async def test_what_nobody_resets(graph, set_up, add_user, school):
    admin, person = await add_user(school, "school_admin"), await add_user(school, "teacher")
    for each in (admin, person):
        await set_up(each)
    own = (await graph(RESET, {"id": admin.user_id}, actor=admin)).ok()["resetSecondFactor"]
    assert own["code"] == "OWN_ACCOUNT"
    helper = dataclasses.replace(actor_of("teacher", school), permissions=frozenset({"second_factor:reset"}))
    assert (await graph(RESET, {"id": person.user_id}, actor=helper)).ok()["resetSecondFactor"]["code"] == "FORBIDDEN"
    begun = dataclasses.replace(admin, pending=frozenset({"SECOND_FACTOR"}))
    assert (await graph(RESET, {"id": person.user_id}, actor=begun)).codes == ["SECOND_FACTOR_REQUIRED"]
    assert (await graph(RESET, {"id": person.user_id})).codes == ["UNAUTHENTICATED"]
    unknown = (await graph(RESET, {"id": new_id()}, actor=admin)).ok()["resetSecondFactor"]
    assert unknown["code"] == "NOT_FOUND"


async def test_tokens_from_before_a_reset_open_nothing(graph, add_user, set_up, school):
    person = await add_user(school, "teacher", email="ibu@x.test")
    given = {"input": {"email": "ibu@x.test", "password": PASSWORD}}
    opened = (await graph(LOGIN, given, tenant_id=school)).ok()["login"]
    await set_up(person)
    headers = {"authorization": f"Bearer {opened['accessToken']}"}
    assert (await graph(SECURED, {"id": person.user_id}, headers=headers)).ok()["user"] == {"secondFactor": True}
    await graph(RESET, {"id": person.user_id}, actor=actor_of("school_admin", school))
    assert (await graph(SECURED, {"id": person.user_id}, headers=headers)).codes == ["UNAUTHENTICATED"]


async def test_whoever_must_set_one_up_needs_the_password_too(graph, set_up, add_user, school):
    person = dataclasses.replace(await add_user(school, "principal"), pending=frozenset({"SECOND_FACTOR"}))
    wrong = (await graph(START, {"input": {"password": "wrong"}}, actor=person)).ok()["startTotp"]
    assert wrong["code"] == "WRONG_PASSWORD"
    await set_up(person)


async def test_in_a_suspended_school_the_platform_alone_is_heard(graph, authenticator, add_user, school, as_owner):
    admin, person = await add_user(school, "school_admin"), await add_user(school, "teacher", email="guru@x.test")
    await authenticator(person)
    as_owner("identity", "update identity.tenants set status = 'SUSPENDED' where id = %s returning id", (school,))
    code = {"input": {"code": "123456"}}
    for document, variables in ((START, KNOWN), (CONFIRM, code), (DISABLE, code), (RESET, {"id": person.user_id})):
        assert (await graph(document, variables, actor=admin)).codes == ["TENANT_SUSPENDED"]
    platform = actor_of("super_admin", school, acting_on=school)
    reset = (await graph(RESET, {"id": person.user_id}, actor=platform)).ok()["resetSecondFactor"]
    assert reset["__typename"] == "ResetSecondFactorSuccess"
    given = {"input": {"email": "guru@x.test", "password": PASSWORD}}
    assert (await graph(LOGIN, given, tenant_id=school)).ok()["login"]["code"] == "TENANT_SUSPENDED"
