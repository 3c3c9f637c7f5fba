"""Who may not even try: accounts that fail from anywhere, addresses that try one account after another."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from subgraphs.identity.lockout.rules import AccountLocked
from subgraphs.identity.session.operations.sign_in import SignedIn
from subgraphs.identity.session.rules import InvalidCredentials

EMAIL = "a@x.test"


@pytest.fixture
def fail(login, visitor):
    """`await fail(school, times)`: so many wrong passwords for an account, each from an address of its own."""

    async def run(tenant_id, times, email=EMAIL, first=0):
        for number in range(first, first + times):
            origin = dataclasses.replace(visitor, address=f"198.51.{number // 250}.{number % 250}")
            assert isinstance(await login(tenant_id, email, "wrong", origin=origin), InvalidCredentials)

    return run


async def refusal(attempt):
    with pytest.raises(AccountLocked) as locked:
        await attempt
    return locked.value.data


async def test_fifty_failures_from_anywhere_lock_until_a_mail_opens(
    *, login, fail, add_user, school, other_school, events, clock
):
    for tenant in (school, other_school):
        await add_user(tenant, "teacher", email=EMAIL)
    await fail(school, 49)
    assert events("UnlockRequested") == []
    await fail(school, 1, first=49)
    assert await refusal(login(school, EMAIL)) == {"retry_after": 0, "by_mail": True}
    clock.now += timedelta(days=30)
    assert await refusal(login(school, EMAIL, "wrong")) == {"retry_after": 0, "by_mail": True}
    assert len(events("UnlockRequested")) == 1
    assert isinstance(await login(other_school, EMAIL), SignedIn)


async def test_an_address_without_an_account_is_locked_the_same_way_and_nobody_gets_a_mail(login, fail, school, events):
    await fail(school, 50, "nobody@x.test")
    assert await refusal(login(school, "nobody@x.test")) == {"retry_after": 0, "by_mail": True}
    assert events("UnlockRequested") == []


async def test_failures_of_another_hour_do_not_count(login, fail, add_user, school, clock):
    await add_user(school, "teacher", email=EMAIL)
    await fail(school, 49)
    clock.now += timedelta(minutes=61)
    await fail(school, 49, first=49)
    assert isinstance(await login(school, EMAIL), SignedIn)


async def test_failures_sent_at_once_from_anywhere_count_one_after_the_other(
    *, login, fail, add_user, school, visitor, events, as_owner
):
    await add_user(school, "teacher", email=EMAIL)
    await fail(school, 44)
    origins = [dataclasses.replace(visitor, address=f"192.0.2.{number}") for number in range(16)]
    tries = (login(school, EMAIL, "wrong", origin=origin) for origin in origins)
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(answer, InvalidCredentials) for answer in answers) == 6
    assert sum(isinstance(answer, AccountLocked) for answer in answers) == 10
    assert as_owner("identity", "select failures from identity.account_failures") == [{"failures": 50}]
    assert len(events("UnlockRequested")) == 1


async def test_a_known_device_is_not_locked_out_by_strangers(*, login, fail, add_user, school, visitor):
    await add_user(school, "teacher", email=EMAIL)
    token = (await login(school, EMAIL, device="Laptop")).device_token
    for _ in range(5):
        await login(school, EMAIL, "wrong")
    await fail(school, 45)
    assert (await refusal(login(school, EMAIL)))["by_mail"]
    known = await login(school, EMAIL, device_token=token)
    assert known.device_token == token
    elsewhere = dataclasses.replace(visitor, address="192.0.2.9")
    assert isinstance(await login(school, EMAIL, device_token=token, origin=elsewhere), SignedIn)


async def test_the_failures_of_a_known_device_count_by_themselves(*, login, add_user, school, visitor, as_owner):
    await add_user(school, "teacher", email=EMAIL)
    token = (await login(school, EMAIL)).device_token
    for number in range(5):
        origin = dataclasses.replace(visitor, address=f"192.0.2.{number}")
        assert isinstance(await login(school, EMAIL, "wrong", device_token=token, origin=origin), InvalidCredentials)
    assert (await refusal(login(school, EMAIL, device_token=token)))["retry_after"] == 901
    assert as_owner("identity", "select * from identity.account_failures") == []
    assert isinstance(await login(school, EMAIL), SignedIn)


async def test_a_device_of_another_account_or_school_is_worth_nothing(*, login, fail, add_user, school, other_school):
    for tenant, email in ((school, EMAIL), (school, "b@x.test"), (other_school, EMAIL)):
        await add_user(tenant, "teacher", email=email)
    others = [await login(school, "b@x.test"), await login(other_school, EMAIL)]
    await fail(school, 50)
    for token in (*(each.device_token for each in others), "", "x" * 64, others[0].refresh_token):
        assert (await refusal(login(school, EMAIL, device_token=token)))["by_mail"]


async def stuff(login, tenant_id, accounts, origin, first=0):
    return [await login(tenant_id, f"{n}@x.test", "wrong", origin=origin) for n in range(first, first + accounts)]


async def test_an_address_that_fails_at_one_account_after_another_is_locked_out(
    *, login, add_user, school, other_school, visitor, clock, audited
):
    for tenant in (school, other_school):
        await add_user(tenant, "teacher", email=EMAIL)
    token = (await login(school, EMAIL)).device_token
    await stuff(login, school, 29, visitor)
    assert isinstance(await login(school, EMAIL), SignedIn)
    with capture_logs() as logs:
        await stuff(login, school, 1, visitor, first=29)
        assert await refusal(login(school, EMAIL)) == {"retry_after": 901, "by_mail": False}
        assert await refusal(login(school, "new@x.test", "wrong")) == {"retry_after": 901, "by_mail": False}
    assert [line["event"] for line in logs].count("credential_stuffing") == 1
    assert audited(school).count("auth.credential_stuffing") == 1
    elsewhere = dataclasses.replace(visitor, address="192.0.2.9")
    assert isinstance(await login(school, EMAIL, device_token=token), SignedIn)
    assert isinstance(await login(school, EMAIL, origin=elsewhere), SignedIn)
    assert isinstance(await login(other_school, EMAIL), SignedIn)
    clock.now += timedelta(minutes=15)
    assert isinstance(await login(school, EMAIL), SignedIn)
    await stuff(login, school, 30, visitor, first=40)
    assert audited(school).count("auth.credential_stuffing") == 2


async def test_a_lesson_that_mistypes_and_gets_in_is_no_stuffing(*, login, add_user, school, visitor):
    for number in range(36):
        await add_user(school, "student", email=f"{number}@x.test")
        assert isinstance(await login(school, f"{number}@x.test", "wrong"), InvalidCredentials)
        assert isinstance(await login(school, f"{number}@x.test"), SignedIn)


async def test_stuffing_at_once_is_told_once(*, login, school, visitor, audited):
    await stuff(login, school, 28, visitor)
    tries = (login(school, f"{n}@y.test", "wrong") for n in range(8))
    await asyncio.gather(*tries, return_exceptions=True)
    assert audited(school).count("auth.credential_stuffing") == 1
    assert (await refusal(login(school, "late@y.test")))["retry_after"]
