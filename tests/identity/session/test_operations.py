"""Sign-in, lockout, rotation, replay, sign-out."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from libs.auth import Revocations, system_binding
from libs.kernel import PLATFORM_TENANT_ID, NotFound, new_id
from subgraphs.identity.credential.rules import InvalidToken
from subgraphs.identity.lockout.operations.upkeep import purge_failures
from subgraphs.identity.lockout.rules import AccountLocked
from subgraphs.identity.session.operations.log_out import log_out
from subgraphs.identity.session.operations.sign_in import check_guess, sign_in
from subgraphs.identity.session.operations.upkeep import purge_sessions, republish_revocations
from subgraphs.identity.session.queries import Access
from subgraphs.identity.session.rules import InvalidCredentials, TenantSuspended
from tests.identity.conftest import PASSWORD


async def test_a_sign_in_gives_the_roles_of_today(login, add_user, school, audited):
    person = await add_user(school, "teacher", email="Guru@Sekolah.test")
    access = await login(school, "guru@sekolah.TEST")
    assert isinstance(access, Access)
    assert access.actor.user_id == person.user_id
    assert access.actor.roles == ("teacher",)
    assert access.actor.permissions == person.permissions
    assert access.actor.email == "Guru@Sekolah.test"
    assert access.expires_in == 900
    assert audited(school)[-1] == "auth.login_success"


async def test_one_address_signs_in_where_it_has_an_account(login, add_user, school, other_school, audited):
    await add_user(school, "teacher", email="a@x.test")
    assert isinstance(await login(other_school, "a@x.test"), InvalidCredentials)
    assert audited(other_school) == ["auth.login_failed"]
    assert isinstance(await login(school, "a@x.test"), Access)


@pytest.mark.parametrize("active", [False])
async def test_an_invited_account_cannot_sign_in(login, add_user, school, active):
    await add_user(school, "teacher", email="a@x.test", active=active)
    assert isinstance(await login(school, "a@x.test"), InvalidCredentials)


async def test_a_suspended_school_lets_nobody_in(login, add_user, school, as_owner):
    await add_user(school, "teacher", email="a@x.test")
    as_owner("identity", "update identity.tenants set status = 'SUSPENDED' where id = %s", (school,))
    with pytest.raises(TenantSuspended):
        await login(school, "a@x.test")


async def test_while_a_password_is_hashed_no_connection_is_held(
    *, database, contacts, hasher, add_user, school, visitor, monkeypatch
):
    await add_user(school, "teacher", email="a@x.test")
    in_use, verify = [], hasher.verify

    async def watched(*given):  # noqa: ANN002 - handed through
        in_use.append(database.connections_in_use)
        return await verify(*given)

    monkeypatch.setattr(hasher, "verify", watched)
    tries = (
        check_guess(
            database, school, email="a@x.test", password=PASSWORD, origin=visitor, contacts=contacts, hasher=hasher
        )
        for _ in range(20)
    )
    guesses = await asyncio.gather(*tries)
    assert all(guess.matches for guess in guesses)
    assert 0 in in_use  # the last ones wait for a thread alone


async def test_a_password_that_changed_while_it_was_hashed_opens_nothing(
    *, database, contacts, hasher, tokens, add_user, school, visitor, as_owner
):
    await add_user(school, "teacher", email="a@x.test")
    who = {"email": "a@x.test", "origin": visitor, "contacts": contacts}
    guess = await check_guess(database, school, password=PASSWORD, hasher=hasher, **who)
    as_owner("identity", "update identity.users set password_hash = 'another'")
    async with database.write(system_binding(school)) as tx:
        answer = await sign_in(tx, guess=guess, device=None, tokens=tokens, **who)
    assert isinstance(answer, InvalidCredentials)


async def test_five_failures_lock_for_fifteen_minutes_and_then_for_thirty(login, add_user, school, clock, visitor):
    await add_user(school, "teacher", email="a@x.test")
    for minutes in (15, 30):
        for _ in range(5):
            assert isinstance(await login(school, "a@x.test", "wrong"), InvalidCredentials)
        with pytest.raises(AccountLocked) as locked:
            await login(school, "a@x.test")
        assert locked.value.data["retry_after"] == minutes * 60 + 1
        elsewhere = dataclasses.replace(visitor, address="198.51.100.9")
        assert isinstance(await login(school, "a@x.test", origin=elsewhere), Access)
        clock.now += timedelta(minutes=minutes)
    assert isinstance(await login(school, "a@x.test"), Access)
    assert isinstance(await login(school, "a@x.test", "wrong"), InvalidCredentials)
    assert isinstance(await login(school, "a@x.test"), Access)


async def test_an_unknown_address_is_locked_like_a_known_one(login, school):
    for _ in range(5):
        assert isinstance(await login(school, "nobody@x.test"), InvalidCredentials)
    with pytest.raises(AccountLocked):
        await login(school, "nobody@x.test")


async def test_guesses_sent_at_once_count_one_after_the_other(login, add_user, school, as_owner):
    await add_user(school, "teacher", email="a@x.test")
    answers = await asyncio.gather(
        *(login(school, "a@x.test", f"wrong {n}") for n in range(12)), return_exceptions=True
    )
    assert sum(isinstance(answer, InvalidCredentials) for answer in answers) == 5
    assert sum(isinstance(answer, AccountLocked) for answer in answers) == 7
    assert as_owner("identity", "select lockouts from identity.sign_in_failures") == [{"lockouts": 1}]


async def test_a_renewal_gives_new_tokens_once(*, login, renew, add_user, school, as_owner, audited):
    await add_user(school, "teacher", email="a@x.test")
    first = await login(school, "a@x.test")
    second = await renew(first.refresh_token)
    third = await renew(second.refresh_token, tenant_id=school)
    assert len({first.refresh_token, second.refresh_token, third.refresh_token}) == 3
    assert third.actor.session_id == first.actor.session_id
    stored = as_owner("identity", "select refresh_hash from identity.sessions")[0]["refresh_hash"]
    assert third.refresh_token.encode() not in stored
    assert audited(school)[-2:] == ["auth.token_refreshed"] * 2


async def test_twenty_renewals_at_once_are_one_rotation(*, login, renew, add_user, school, as_owner, events):
    await add_user(school, "teacher", email="a@x.test")
    first = await login(school, "a@x.test")
    answers = await asyncio.gather(*(renew(first.refresh_token) for _ in range(20)))
    assert len({answer.refresh_token for answer in answers}) == 1
    assert as_owner("identity", "select count(*) as n from identity.spent_tokens") == [{"n": 1}]
    assert events("RefreshReplayDetected") == []
    assert isinstance(await renew(answers[0].refresh_token), Access)


async def test_a_replay_after_the_grace_ends_the_family(
    *, login, renew, add_user, school, clock, events, as_owner, audited, revocations
):
    await add_user(school, "teacher", email="a@x.test")
    first = await login(school, "a@x.test")
    second = await renew(first.refresh_token)
    clock.now += timedelta(seconds=11)
    assert isinstance(await renew(first.refresh_token), InvalidToken)
    with pytest.raises(InvalidToken):
        await renew(second.refresh_token)
    assert as_owner("identity", "select end_reason from identity.sessions") == [{"end_reason": "REPLAY"}]
    assert len(events("RefreshReplayDetected")) == len(events("SessionRevoked")) == 1
    assert audited(school)[-1] == "auth.replay_detected"
    assert first.actor.session_id in revocations._sessions


@pytest.mark.parametrize("change", [{"address": "198.51.100.9"}, {"user_agent": "another"}])
async def test_the_grace_is_for_the_same_client_alone(*, login, renew, add_user, school, visitor, change):
    await add_user(school, "teacher", email="a@x.test")
    first = await login(school, "a@x.test")
    await renew(first.refresh_token)
    assert isinstance(await renew(first.refresh_token, origin=dataclasses.replace(visitor, **change)), InvalidToken)


async def test_a_grandparent_is_a_replay_even_at_once(login, renew, add_user, school):
    await add_user(school, "teacher", email="a@x.test")
    first = await login(school, "a@x.test")
    second = await renew(first.refresh_token)
    third = await renew(second.refresh_token)
    assert isinstance(await renew(first.refresh_token), InvalidToken)
    with pytest.raises(InvalidToken):
        await renew(third.refresh_token)


async def test_a_token_of_another_school_or_of_nobody_is_refused(login, renew, add_user, school, other_school):
    await add_user(school, "teacher", email="a@x.test")
    first = await login(school, "a@x.test")
    for token, tenant in (
        (first.refresh_token, other_school),
        (first.refresh_token[:-4] + "AAAA", school),
        ("", school),
        ("é" * 64, school),
    ):
        with pytest.raises(InvalidToken):
            await renew(token, tenant_id=tenant)
    assert isinstance(await renew(first.refresh_token), Access)


async def test_an_expired_session_and_an_inactive_account_end(*, login, renew, add_user, school, clock, as_owner):
    await add_user(school, "teacher", email="a@x.test")
    first = await login(school, "a@x.test")
    as_owner("identity", "update identity.users set status = 'INACTIVE'")
    with pytest.raises(InvalidToken):
        await renew(first.refresh_token)
    as_owner("identity", "update identity.users set status = 'ACTIVE'")
    clock.now += timedelta(days=7)
    with pytest.raises(InvalidToken):
        await renew(first.refresh_token)


async def test_sign_out_ends_the_own_session_and_no_other(
    *, login, renew, database, add_user, school, other_school, visitor, revocations
):
    await add_user(school, "teacher", email="a@x.test")
    first, second = await login(school, "a@x.test"), await login(school, "a@x.test")
    for _ in range(2):
        async with database.write(system_binding(school)) as tx:
            await log_out(tx, actor=first.actor, origin=visitor, revocations=revocations)
    with pytest.raises(InvalidToken):
        await renew(first.refresh_token)
    assert isinstance(await renew(second.refresh_token), Access)
    for actor, tenant in ((second.actor, other_school), (dataclasses.replace(second.actor, user_id=new_id()), school)):
        with pytest.raises(NotFound):
            async with database.write(system_binding(tenant)) as tx:
                await log_out(tx, actor=actor, origin=visitor, revocations=revocations)


async def test_revocations_are_said_again_and_forgotten(
    *, login, database, add_user, school, visitor, revocations, settings, as_owner, clock
):
    await add_user(school, "teacher", email="a@x.test")
    access = await login(school, "a@x.test")
    async with database.write(system_binding(school)) as tx:
        await log_out(tx, actor=access.actor, origin=visitor, revocations=revocations)
    await revocations._client.flushdb()
    platform = system_binding(PLATFORM_TENANT_ID)
    async with database.write(platform) as tx:
        await republish_revocations(tx, revocations=revocations, life=timedelta(seconds=900))
    fresh = Revocations(settings)
    assert await fresh.poll()
    assert access.actor.session_id in fresh._sessions
    await fresh.close()
    clock.now += timedelta(seconds=1801)
    async with database.write(platform) as tx:
        await republish_revocations(tx, revocations=revocations, life=timedelta(seconds=900))
    assert as_owner("identity", "select * from identity.revocations") == []


async def test_old_sessions_and_failures_are_purged_in_their_own_school(
    *, login, database, add_user, school, other_school, clock, as_owner
):
    for tenant in (school, other_school):
        await add_user(tenant, "teacher", email="a@x.test")
        await login(tenant, "a@x.test")
        await login(tenant, "a@x.test", "wrong")
    clock.now += timedelta(days=38)
    async with database.write(system_binding(school)) as tx:
        await purge_sessions(tx)
        await purge_failures(tx)
    for table in ("sessions", "sign_in_failures"):
        assert as_owner("identity", f"select tenant_id from identity.{table}") == [{"tenant_id": other_school}]
