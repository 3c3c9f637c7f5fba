"""Second factors through the graph."""

import pyotp
import pytest

from libs.kernel import PLATFORM_TENANT_ID, new_id
from libs.testing import actor_of
from tests.identity.conftest import PASSWORD
from tests.identity.credential.conftest import LOGIN

START = "mutation { startTotp { __typename ... on StartTotpSuccess { secret uri qrCode } ... on UserError { code } } }"
CONFIRM = """mutation($input: ConfirmTotpInput!) { confirmTotp(input: $input) { __typename
  ... on ConfirmTotpSuccess { recoveryCodes } ... on UserError { code message } } }"""


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
