"""A second factor switched off and its recovery codes renewed, by whoever shows that it is theirs."""

import asyncio

import pytest

from libs.kernel import NotFound
from subgraphs.identity.lockout.rules import AccountLocked
from subgraphs.identity.second_factor.rules import InvalidCode, WrongPassword
from subgraphs.identity.session.queries import Access
from tests.identity.conftest import PASSWORD


@pytest.mark.parametrize("by", ["password", "totp", "recovery"])
async def test_it_is_switched_off_by_password_or_code(
    *, by, disable, secured, login, school, clock, as_owner, events, audited
):
    person, totp, codes = secured
    proof = {"password": PASSWORD} if by == "password" else {"code": totp.at(clock.now) if by == "totp" else codes[0]}
    assert await disable(person, **proof) is False
    assert isinstance(await login(school, "guru@x.test"), Access)
    for table in ("second_factors", "recovery_codes"):
        assert as_owner("identity", f"select * from identity.{table}") == []
    assert [row["data"]["change"] for row in events("SecondFactorChanged")] == ["ENABLED", "DISABLED"]
    assert "user.second_factor_disabled" in audited(school)
    with pytest.raises(NotFound):
        await disable(person, password=PASSWORD)


async def test_where_a_role_needs_it_tokens_are_void_without_it(disable, secured, login, school, as_owner):
    person, _, _ = secured
    as_owner("identity", """update identity.tenants set password_policy = '{"second_factor_roles": ["teacher"]}'""")
    assert await disable(person, password=PASSWORD) is True
    assert as_owner("identity", "select ver from identity.users") == [{"ver": 2}]
    assert (await login(school, "guru@x.test")).actor.pending == {"SECOND_FACTOR"}


@pytest.mark.parametrize("given", [{"password": "wrong"}, {"code": "000000"}, {"code": "AAAA-BBBB-CCCC-DDDD"}])
async def test_guesses_are_counted_and_end(*, given, disable, regenerate, secured, school, audited, as_owner):
    person, _, codes = secured
    refused = WrongPassword if "password" in given else InvalidCode
    for attempt in (disable, regenerate, disable, regenerate, disable):
        assert isinstance(await attempt(person, **given), refused)
    for proof in ({"password": PASSWORD}, {"code": codes[0]}):
        with pytest.raises(AccountLocked):
            await disable(person, **proof)
    assert audited(school).count("auth.proof_failed") == 5
    assert len(as_owner("identity", "select * from identity.second_factors")) == 1


async def test_new_recovery_codes_replace_the_old_ones(regenerate, secured, login, school, audited):
    person, _, codes = secured
    renewed = await regenerate(person, code=codes[0])
    assert len(set(renewed) | set(codes)) == 20
    assert isinstance(await login(school, "guru@x.test", otp=codes[1]), InvalidCode)
    assert isinstance(await login(school, "guru@x.test", otp=renewed[0]), Access)
    assert "user.recovery_codes_regenerated" in audited(school)


async def test_of_two_who_come_with_one_code_one_is_heard(regenerate, secured, as_owner):
    person, _, codes = secured
    answers = await asyncio.gather(*(regenerate(person, code=codes[0]) for _ in range(2)))
    assert sorted(isinstance(answer, InvalidCode) for answer in answers) == [False, True]
    assert as_owner("identity", "select count(*) as n from identity.recovery_codes") == [{"n": 10}]


async def test_another_school_and_who_has_none_find_nothing(
    *, disable, regenerate, secured, add_user, school, other_school
):
    person, _, codes = secured
    plain = await add_user(school, "teacher")
    for attempt in (disable, regenerate):
        with pytest.raises(NotFound):
            await attempt(person, code=codes[0], tenant_id=other_school)
        with pytest.raises(NotFound):
            await attempt(plain, password=PASSWORD)
