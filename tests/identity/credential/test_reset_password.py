"""A forgotten password: who gets a link, and what the link is good for."""

import asyncio
import time
from datetime import timedelta

import pytest

from libs.crypto import KeyRing
from libs.events.contracts.identity import PasswordChanged
from libs.events.sealing import unseal_event
from subgraphs.identity.credential.rules import InvalidToken, WeakPassword
from subgraphs.identity.lockout.rules import AccountLocked
from subgraphs.identity.session.queries import Access
from subgraphs.identity.session.rules import InvalidCredentials
from tests.identity.conftest import PASSWORD
from tests.identity.credential.conftest import NEW_PASSWORD


async def test_a_link_sets_a_new_password_once(
    *, ask, reset, links, login, add_user, school, as_owner, events, audited, settings
):
    person = await add_user(school, "teacher", email="guru@x.test")
    as_owner("identity", "update identity.users set must_change_password = true")
    before = await login(school, "guru@x.test")
    assert before.actor.pending == {"PASSWORD_CHANGE"}
    await ask(school, "GURU@x.test")
    (token,) = links()
    actor = await reset(token)
    assert (actor.user_id, actor.tenant_id, actor.permissions) == (person.user_id, school, {"user:read_own"})
    assert isinstance(await login(school, "guru@x.test"), InvalidCredentials)
    after = await login(school, "guru@x.test", NEW_PASSWORD)
    assert (after.actor.version, after.actor.pending) == (2, frozenset())
    (row,) = as_owner("identity", "select email_verified_at, must_change_password from identity.users")
    assert row["email_verified_at"] is not None
    ended = as_owner("identity", "select end_reason from identity.sessions where ended_at is not null")
    assert ended == [{"end_reason": "PASSWORD"}]
    (told,) = events("PasswordChanged")
    changed = unseal_event(KeyRing.from_settings(settings), school, PasswordChanged, told["data"])
    assert (changed.ver, changed.personal["email"]) == (2, "guru@x.test")
    assert {"user.password_reset_requested", "user.password_changed"} <= set(audited(school))
    with pytest.raises(InvalidToken):
        await reset(token, "Anggrek-ungu-9")


async def test_of_two_resets_with_one_link_one_wins(*, ask, reset, links, add_user, school, events):
    await add_user(school, "teacher", email="guru@x.test")
    await ask(school, "guru@x.test")
    (token,) = links()
    answers = await asyncio.gather(*(reset(token, f"{NEW_PASSWORD}{n}") for n in range(2)), return_exceptions=True)
    assert sum(isinstance(answer, InvalidToken) for answer in answers) == 1
    assert len(events("PasswordChanged")) == 1


async def test_a_newer_link_voids_the_one_before(*, ask, reset, links, add_user, school, as_owner):
    await add_user(school, "teacher", email="guru@x.test")
    await asyncio.gather(*(ask(school, "guru@x.test") for _ in range(2)))
    living = "select count(*) as n from identity.one_time_tokens where expires_at > now() and used_at is null"
    assert as_owner("identity", living) == [{"n": 1}]
    first, second = links()
    with pytest.raises(InvalidToken):
        await reset(first)
    await reset(second)


async def test_nobody_is_flooded_with_mails(*, ask, links, add_user, school, clock):
    await add_user(school, "teacher", email="guru@x.test")
    await asyncio.gather(*(ask(school, "guru@x.test") for _ in range(6)))
    assert len(links()) == 3
    clock.now += timedelta(minutes=61)
    await ask(school, "guru@x.test")
    assert len(links()) == 4


async def test_a_link_is_good_for_half_an_hour_in_its_own_school(
    *, ask, reset, links, add_user, school, other_school, clock
):
    await add_user(school, "teacher", email="guru@x.test")
    await ask(school, "guru@x.test")
    (token,) = links()
    with pytest.raises(InvalidToken):
        await reset(token, tenant_id=other_school)
    clock.now += timedelta(minutes=30)
    with pytest.raises(InvalidToken):
        await reset(token)


@pytest.mark.parametrize(
    "change",
    [
        "update identity.users set status = 'INACTIVE'",
        "update identity.users set deleted_at = now()",
        "update identity.tenants set status = 'SUSPENDED'",
    ],
)
async def test_whoever_is_kept_out_gets_no_link_and_can_use_none(
    *, ask, reset, links, add_user, school, as_owner, change
):
    await add_user(school, "teacher", email="guru@x.test")
    await ask(school, "guru@x.test")
    as_owner("identity", change)
    with pytest.raises(InvalidToken):
        await reset(links()[0])
    await ask(school, "guru@x.test")
    assert len(links()) == 1


async def test_asking_tells_nothing_neither_by_time_nor_by_what_is_written_elsewhere(
    *, ask, links, add_user, school, other_school
):
    await add_user(school, "teacher", email="guru@x.test")
    await add_user(school, "teacher", email="baru@x.test", active=False)
    times = {}
    for tenant, email in ((school, "guru@x.test"), (school, "baru@x.test"), (other_school, "guru@x.test")):
        began = time.perf_counter()
        await ask(tenant, email)
        times[tenant, email] = time.perf_counter() - began
    assert len(links()) == 1
    assert min(times.values()) >= 0.5
    assert max(times.values()) - min(times.values()) < 0.1


async def test_a_reset_opens_an_account_that_was_locked(*, ask, reset, links, login, add_user, school):
    await add_user(school, "teacher", email="guru@x.test")
    for _ in range(5):
        await login(school, "guru@x.test", "wrong")
    with pytest.raises(AccountLocked):
        await login(school, "guru@x.test")
    await ask(school, "guru@x.test")
    await reset(links()[0])
    assert isinstance(await login(school, "guru@x.test", NEW_PASSWORD), Access)


async def test_a_weak_password_and_one_of_the_last_five_use_nothing_up(
    *, ask, reset, links, add_user, school, clock, as_owner
):
    await add_user(school, "teacher", email="guru@x.test", name="Dewi Lestari")
    passwords = [PASSWORD, *(f"Kenanga-biru-{n}{n}" for n in range(2, 8))]
    for password in passwords[1:]:
        clock.now += timedelta(hours=1)
        await ask(school, "guru@x.test")
        await reset(links()[-1], password)
    clock.now += timedelta(hours=1)
    await ask(school, "guru@x.test")
    token = links()[-1]
    for password, rule in [("Lestari-7777", "SIMILAR"), ("Sunshine-1", "COMMON"), ("kurang", "LENGTH")]:
        with pytest.raises(WeakPassword) as weak:
            await reset(token, password)
        assert rule in weak.value.data["rules"]
    for password in passwords[-5:]:
        with pytest.raises(WeakPassword) as weak:
            await reset(token, password)
        assert weak.value.data["rules"] == ["REUSED"]
    assert as_owner("identity", "select count(*) as n from identity.former_passwords") == [{"n": 4}]
    await reset(token, PASSWORD)


async def test_a_second_factor_outlives_a_reset(*, ask, reset, links, login, authenticator, add_user, school):
    await authenticator(await add_user(school, "teacher", email="guru@x.test"))
    await ask(school, "guru@x.test")
    await reset(links()[0])
    answer = await login(school, "guru@x.test", NEW_PASSWORD)
    assert type(answer).__name__ == "SecondFactorRequired"


async def test_while_a_new_password_is_hashed_no_connection_is_held(
    *, ask, reset, links, database, hasher, add_user, school, monkeypatch
):
    await add_user(school, "teacher", email="guru@x.test")
    await ask(school, "guru@x.test")
    in_use = []

    def watched(run):
        async def watch(*given):  # noqa: ANN002 - handed through
            in_use.append(database.connections_in_use)
            return await run(*given)

        return watch

    for name in ("hash", "verify"):
        monkeypatch.setattr(hasher, name, watched(getattr(hasher, name)))
    await reset(links()[0])
    assert in_use == [0, 0]
