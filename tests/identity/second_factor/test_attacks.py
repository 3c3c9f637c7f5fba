"""What is tried with codes, stolen tokens and requests at once against second factors."""

import asyncio
import dataclasses

import pyotp
import pytest

from libs.auth import system_binding
from libs.kernel import PLATFORM_TENANT_ID, NotFound, new_id
from libs.testing import actor_of
from subgraphs.identity.lockout.rules import AccountLocked
from subgraphs.identity.second_factor.operations.set_up import Enrolment, start_totp
from subgraphs.identity.second_factor.queries import try_password
from subgraphs.identity.second_factor.rules import InvalidCode, SecondFactorActive, WrongPassword
from subgraphs.identity.session.queries import Access
from tests.identity.conftest import PASSWORD
from tests.identity.second_factor.conftest import STEP

EMAIL = "guru@x.test"
HEIR = """insert into identity.roles (tenant_id, id, name, is_system_role, parent_system_role)
  values (%s, %s, 'Wakil', false, 'teacher') returning id"""


async def test_a_stolen_token_sets_nothing_up(*, start, add_user, school, audited, as_owner):
    person = await add_user(school, "teacher", email=EMAIL)
    for _ in range(5):
        assert isinstance(await start(person, password="wrong"), WrongPassword)
    with pytest.raises(AccountLocked):
        await start(person)
    assert as_owner("identity", "select * from identity.second_factors") == []
    assert audited(school).count("auth.proof_failed") == 5
    assert "user.second_factor_started" not in audited(school)


async def test_guesses_at_once_are_five_as_well(*, start, add_user, school):
    person = await add_user(school, "teacher", email=EMAIL)
    answers = await asyncio.gather(*(start(person, password="wrong") for _ in range(8)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["AccountLocked"] * 3 + ["WrongPassword"] * 5


async def test_a_start_takes_the_password_of_its_moment(
    *, database, contacts, hasher, visitor, add_user, school, as_owner
):
    person = await add_user(school, "teacher", email=EMAIL)
    proof = await try_password(database, actor=person, password=PASSWORD, hasher=hasher)
    as_owner("identity", "update identity.users set password_hash = 'another' returning id")
    async with database.write(system_binding(school)) as tx:
        answer = await start_totp(tx, actor=person, proof=proof, contacts=contacts, origin=visitor)
    assert isinstance(answer, WrongPassword)


async def test_codes_that_are_guessed_to_confirm_are_counted(*, start, confirm, authenticator, add_user, school, clock):
    person = await add_user(school, "teacher", email=EMAIL)
    await start(person)
    for number in range(5):
        assert isinstance(await confirm(person, f"wrong {number}"), InvalidCode)
    with pytest.raises(AccountLocked):
        await confirm(person, "000000")
    with pytest.raises(AccountLocked):
        await start(person)


async def test_a_start_and_a_confirmation_at_once_leave_one_secret(
    *, start, confirm, add_user, school, clock, as_owner
):
    person = await add_user(school, "teacher", email=EMAIL)
    code = pyotp.TOTP((await start(person)).secret).at(clock.now)
    started, confirmed = await asyncio.gather(start(person), confirm(person, code), return_exceptions=True)
    is_confirmed = isinstance(confirmed, list)
    assert isinstance(started, SecondFactorActive if is_confirmed else Enrolment)
    assert is_confirmed or isinstance(confirmed, InvalidCode)
    [row] = as_owner("identity", "select confirmed_at from identity.second_factors")
    assert (row["confirmed_at"] is not None) is is_confirmed


async def test_no_code_is_heard_twice_wherever_it_is_shown(*, secured, login, disable, regenerate, school, clock):
    person, totp, _ = secured
    code = totp.at(clock.now)
    assert isinstance(await login(school, EMAIL, otp=code), Access)
    for attempt in (disable, regenerate):
        assert isinstance(await attempt(person, code=code), InvalidCode)
    later = totp.at(clock.now + STEP)
    assert isinstance(await regenerate(person, code=later), list)
    assert isinstance(await login(school, EMAIL, otp=later), InvalidCode)
    assert isinstance(await login(school, EMAIL, otp=code), InvalidCode)  # of an earlier step than the last one


async def test_of_a_sign_in_and_a_proof_with_one_code_one_is_heard(*, secured, login, regenerate, school, clock):
    person, totp, codes = secured
    for code in (codes[0], totp.at(clock.now)):
        answers = await asyncio.gather(login(school, EMAIL, otp=code), regenerate(person, code=code))
        assert [isinstance(answer, InvalidCode) for answer in answers].count(True) == 1


async def test_a_code_of_a_secret_that_was_switched_off_is_worth_nothing(
    *, secured, start, confirm, disable, login, authenticator, school, clock
):
    person, totp, codes = secured
    await disable(person, password=PASSWORD)
    await start(person)
    assert isinstance(await confirm(person, totp.at(clock.now)), InvalidCode)
    assert isinstance(await confirm(person, codes[0]), InvalidCode)
    await authenticator(person)
    for code in (totp.at(clock.now), codes[0]):
        assert isinstance(await login(school, EMAIL, otp=code), InvalidCode)


async def test_a_recovery_code_that_opens_a_session_is_told_once(*, secured, login, school, events, audited):
    _, _, codes = secured
    answers = await asyncio.gather(*(login(school, EMAIL, otp=codes[0]) for _ in range(2)))
    assert sorted(type(answer).__name__ for answer in answers) == ["InvalidCode", "SignedIn"]
    assert isinstance(await login(school, EMAIL, "wrong", otp=codes[1]), Exception)
    assert [row["data"]["change"] for row in events("SecondFactorChanged")] == ["ENABLED", "CODE_USED"]
    assert audited(school).count("user.recovery_code_used") == 1


async def test_an_heir_of_a_role_that_needs_it_does_not_get_rid_of_it(*, secured, disable, school, as_owner):
    person, _, _ = secured
    heir = new_id()
    as_owner("identity", HEIR, (school, heir))
    as_owner("identity", "update identity.user_roles set system_role = null, role_id = %s returning id", (heir,))
    as_owner("identity", """update identity.tenants set password_policy = '{"second_factor_roles": ["teacher"]}'""")
    assert await disable(dataclasses.replace(person, roles=("Wakil",)), password=PASSWORD) is True
    assert as_owner("identity", "select ver from identity.users") == [{"ver": 2}]


async def test_a_platform_administrator_in_a_school_is_at_home_with_it(
    *, start, confirm, disable, add_user, school, audited
):
    home = await add_user(PLATFORM_TENANT_ID, "super_admin")
    inside = actor_of("super_admin", school, user_id=home.user_id, acting_on=school)
    assert isinstance(await start(inside, password="wrong"), WrongPassword)
    assert audited(PLATFORM_TENANT_ID)[-1] == "auth.proof_failed"
    for attempt in (start(inside, school), confirm(inside, "000000", school)):
        with pytest.raises(NotFound):
            await attempt
    assert "auth.proof_failed" not in audited(school)
