"""Changing one's own password: who goes on, who is signed out, and that a stolen token guesses nothing."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from libs.kernel import NotFound, new_id
from subgraphs.identity.credential.rules import InvalidToken, WeakPassword
from subgraphs.identity.lockout.rules import AccountLocked
from subgraphs.identity.second_factor.rules import WrongPassword
from subgraphs.identity.session.queries import Access
from subgraphs.identity.session.rules import InvalidCredentials
from tests.identity.conftest import PASSWORD
from tests.identity.credential.conftest import NEW_PASSWORD


async def test_the_own_session_goes_on_and_the_others_end(
    *, change, renew, login, add_user, school, other_school, events, audited, as_owner
):
    await add_user(school, "teacher", email="guru@x.test")
    await add_user(other_school, "teacher", email="guru@x.test")
    mine, other = await login(school, "guru@x.test"), await login(school, "guru@x.test")
    elsewhere = await login(other_school, "guru@x.test")
    after = await change(mine.actor)
    assert isinstance(after, Access)
    assert (after.actor.session_id, after.actor.version) == (mine.actor.session_id, 2)
    for void in (mine.refresh_token, other.refresh_token):
        with pytest.raises(InvalidToken):
            await renew(void)
    assert isinstance(await renew(after.refresh_token), Access)
    assert isinstance(await renew(elsewhere.refresh_token), Access)
    ended = as_owner("identity", "select id, end_reason from identity.sessions where ended_at is not null")
    assert ended == [{"id": other.actor.session_id, "end_reason": "PASSWORD"}]
    assert len(events("PasswordChanged")) == 1
    assert "user.password_changed" in audited(school)
    assert isinstance(await login(school, "guru@x.test"), InvalidCredentials)
    assert isinstance(await login(school, "guru@x.test", NEW_PASSWORD), Access)


async def test_a_change_settles_that_it_was_due(change, login, add_user, school, as_owner):
    await add_user(school, "teacher", email="guru@x.test")
    as_owner("identity", "update identity.users set must_change_password = true")
    access = await login(school, "guru@x.test")
    assert access.actor.pending == {"PASSWORD_CHANGE"}
    assert (await change(access.actor)).actor.pending == frozenset()


async def test_a_stolen_token_guesses_five_times_from_anywhere(
    *, change, login, add_user, school, visitor, clock, audited
):
    await add_user(school, "teacher", email="guru@x.test")
    stolen = (await login(school, "guru@x.test")).actor
    for n in range(5):
        origin = dataclasses.replace(visitor, address=f"198.51.100.{n}")
        assert isinstance(await change(stolen, current=f"wrong {n}", origin=origin), WrongPassword)
    with pytest.raises(AccountLocked):
        await change(stolen)
    assert audited(school).count("auth.proof_failed") == 5
    clock.now += timedelta(minutes=15)
    assert isinstance(await change(stolen), Access)


async def test_guesses_sent_at_once_count_one_after_the_other(change, login, add_user, school):
    await add_user(school, "teacher", email="guru@x.test")
    stolen = (await login(school, "guru@x.test")).actor
    guesses = (change(stolen, current=f"wrong {n}") for n in range(9))
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(answer, WrongPassword) for answer in answers) == 5
    assert sum(isinstance(answer, AccountLocked) for answer in answers) == 4


async def test_what_was_had_before_is_told_to_whoever_knows_the_current_one_alone(change, login, add_user, school):
    await add_user(school, "teacher", email="guru@x.test")
    stolen = (await login(school, "guru@x.test")).actor
    assert isinstance(await change(stolen, PASSWORD, "wrong"), WrongPassword)
    with pytest.raises(WeakPassword) as weak:
        await change(stolen, PASSWORD)
    assert weak.value.data["rules"] == ["REUSED"]
    with pytest.raises(WeakPassword) as weak:
        await change(stolen, "Password1!")
    assert weak.value.data["rules"] == ["COMMON"]


async def test_of_two_changes_at_once_one_wins(change, login, add_user, school, events):
    await add_user(school, "teacher", email="guru@x.test")
    mine = (await login(school, "guru@x.test")).actor
    answers = await asyncio.gather(change(mine), change(mine, "Anggrek-ungu-9"))
    assert sorted(type(answer).__name__ for answer in answers) == ["Access", "WrongPassword"]
    assert len(events("PasswordChanged")) == 1


async def test_a_change_needs_an_account_and_a_session(change, add_user, school, other_school):
    person = await add_user(school, "teacher")
    with pytest.raises(NotFound):
        await change(person)  # of a session that never was
    with pytest.raises(NotFound):
        await change(dataclasses.replace(person, user_id=new_id()))
    with pytest.raises(NotFound):
        await change(dataclasses.replace(person, home_tenant_id=other_school))


async def test_while_passwords_are_hashed_no_connection_is_held(
    *, change, login, database, hasher, add_user, school, monkeypatch
):
    await add_user(school, "teacher", email="guru@x.test")
    mine = (await login(school, "guru@x.test")).actor
    in_use = []

    def watched(run):
        async def watch(*given):  # noqa: ANN002 - handed through
            in_use.append(database.connections_in_use)
            return await run(*given)

        return watch

    for name in ("hash", "verify"):
        monkeypatch.setattr(hasher, name, watched(getattr(hasher, name)))
    await change(mine)
    assert in_use == [0, 0, 0]
