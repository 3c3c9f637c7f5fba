"""Second factors through the graph."""

import pyotp
import pytest

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
