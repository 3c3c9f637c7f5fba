"""Second factors: set up, asked for at sign-in, each code good once."""

import asyncio
from datetime import timedelta

import pyotp
import pytest

from libs.kernel import NotFound
from subgraphs.identity.lockout.rules import AccountLocked
from subgraphs.identity.second_factor.rules import InvalidCode, SecondFactorActive, SecondFactorRequired
from subgraphs.identity.session.queries import Access
from subgraphs.identity.session.rules import InvalidCredentials

STEP = timedelta(seconds=30)


async def test_an_authenticator_is_in_force_once_its_first_code_is_confirmed(
    *, start, confirm, login, add_user, school, clock, as_owner, events, audited
):
    person = await add_user(school, "teacher", email="guru@x.test")
    made = await start(person)
    assert made.uri.startswith("otpauth://totp/Wiyata%20School")
    assert "guru%40x.test" in made.uri
    assert made.qr_code.startswith("data:image/svg+xml")
    totp = pyotp.parse_uri(made.uri)
    assert totp.secret == made.secret
    assert isinstance(await login(school, "guru@x.test"), Access)
    assert isinstance(await confirm(person, totp.at(clock.now + 5 * STEP)), InvalidCode)
    codes = await confirm(person, totp.at(clock.now))
    assert len(set(codes)) == 10
    stored = as_owner("identity", "select secret from identity.second_factors")[0]["secret"]
    assert made.secret.encode() not in stored
    hashes = as_owner("identity", "select code_hash from identity.recovery_codes")
    assert not {code.encode() for code in codes} & {row["code_hash"] for row in hashes}
    assert [row["data"]["change"] for row in events("SecondFactorChanged")] == ["ENABLED"]
    assert audited(school)[-1] == "user.second_factor_enabled"


async def test_a_second_start_replaces_the_first_until_one_is_confirmed(*, start, confirm, add_user, school, clock):
    person = await add_user(school, "teacher")
    with pytest.raises(NotFound):
        await confirm(person, "123456")
    first, second = pyotp.TOTP((await start(person)).secret), pyotp.TOTP((await start(person)).secret)
    assert isinstance(await confirm(person, first.at(clock.now)), InvalidCode)
    await confirm(person, second.at(clock.now))
    with pytest.raises(SecondFactorActive):
        await start(person)
    with pytest.raises(SecondFactorActive):
        await confirm(person, second.at(clock.now + STEP))


async def test_of_two_who_confirm_one_wins(*, start, confirm, add_user, school, clock, as_owner):
    person = await add_user(school, "teacher")
    code = pyotp.TOTP((await start(person)).secret).at(clock.now)
    answers = await asyncio.gather(*(confirm(person, code) for _ in range(2)), return_exceptions=True)
    assert sum(isinstance(answer, SecondFactorActive) for answer in answers) == 1
    assert as_owner("identity", "select count(*) as n from identity.recovery_codes") == [{"n": 10}]


async def test_another_school_has_nothing_to_set_up(*, start, confirm, add_user, school, other_school):
    person = await add_user(school, "teacher")
    await start(person)
    for attempt in (start(person, other_school), confirm(person, "123456", other_school)):
        with pytest.raises(NotFound):
            await attempt


async def test_signing_in_takes_the_code_after_the_right_password_alone(
    *, login, authenticator, add_user, school, clock
):
    totp, _ = await authenticator(await add_user(school, "teacher", email="guru@x.test"))
    clock.now += STEP
    assert isinstance(await login(school, "guru@x.test", "wrong"), InvalidCredentials)
    assert isinstance(await login(school, "guru@x.test", "wrong", otp=totp.at(clock.now)), InvalidCredentials)
    for missing in (None, "", "  "):
        assert isinstance(await login(school, "guru@x.test", otp=missing), SecondFactorRequired)
    code = totp.at(clock.now)
    assert isinstance(await login(school, "guru@x.test", otp=f"{code[:3]} {code[3:]}"), Access)
    assert isinstance(await login(school, "guru@x.test", otp=code), InvalidCode)


@pytest.mark.parametrize(
    ("steps", "answer"), [(-2, InvalidCode), (-1, Access), (0, Access), (1, Access), (2, InvalidCode)]
)
async def test_a_clock_may_be_one_step_off(*, login, authenticator, add_user, school, clock, steps, answer):
    totp, _ = await authenticator(await add_user(school, "teacher", email="guru@x.test"))
    clock.now += 10 * STEP
    assert isinstance(await login(school, "guru@x.test", otp=totp.at(clock.now + steps * STEP)), answer)


async def test_a_code_of_an_earlier_step_is_not_heard_after_a_later_one(
    *, login, authenticator, add_user, school, clock
):
    totp, _ = await authenticator(await add_user(school, "teacher", email="guru@x.test"))
    assert isinstance(await login(school, "guru@x.test", otp=totp.at(clock.now)), InvalidCode)  # it confirmed
    clock.now += 10 * STEP
    assert isinstance(await login(school, "guru@x.test", otp=totp.at(clock.now)), Access)
    assert isinstance(await login(school, "guru@x.test", otp=totp.at(clock.now - STEP)), InvalidCode)


async def test_of_two_sign_ins_with_one_code_one_is_heard(*, login, authenticator, add_user, school, clock):
    totp, recovery = await authenticator(await add_user(school, "teacher", email="guru@x.test"))
    clock.now += STEP
    for code in (totp.at(clock.now), recovery[0]):
        answers = await asyncio.gather(*(login(school, "guru@x.test", otp=code) for _ in range(2)))
        assert sorted(type(answer).__name__ for answer in answers) == ["InvalidCode", "SignedIn"]


async def test_a_recovery_code_is_good_once_however_it_is_written(*, login, authenticator, add_user, school):
    _, (first, second, *_) = await authenticator(await add_user(school, "teacher", email="guru@x.test"))
    assert isinstance(await login(school, "guru@x.test", otp=first.lower().replace("-", " ")), Access)
    assert isinstance(await login(school, "guru@x.test", otp=first), InvalidCode)
    assert isinstance(await login(school, "guru@x.test", otp=second), Access)


async def test_a_recovery_code_of_somebody_else_opens_nothing(*, login, authenticator, add_user, school, other_school):
    await authenticator(await add_user(school, "teacher", email="guru@x.test"))
    for tenant, email in ((school, "lain@x.test"), (other_school, "guru@x.test")):
        _, codes = await authenticator(await add_user(tenant, "teacher", email=email))
        assert isinstance(await login(school, "guru@x.test", otp=codes[0]), InvalidCode)


async def test_wrong_codes_count_like_wrong_passwords(*, login, authenticator, add_user, school, clock, audited):
    totp, _ = await authenticator(await add_user(school, "teacher", email="guru@x.test"))
    clock.now += STEP
    right = totp.at(clock.now)
    wrong = [code for code in ("000001", "000002", "000003", "000004", "000005", "000006") if code != right]
    for code in wrong[:5]:
        assert isinstance(await login(school, "guru@x.test", otp=code), InvalidCode)
    with pytest.raises(AccountLocked):
        await login(school, "guru@x.test", otp=right)
    assert audited(school).count("auth.login_failed") == 5
