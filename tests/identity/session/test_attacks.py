"""What is tried with refresh tokens that were stolen, kept, or outlived their session."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from libs.auth import Revocations, system_binding
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.credential.rules import InvalidToken, encode_token
from subgraphs.identity.session.operations.upkeep import republish_revocations
from subgraphs.identity.session.queries import Access, end_sessions

EMAIL = "a@x.test"


async def is_refused(renewal):
    """Whether a renewal got nothing: raised, or answered so that the end of the family is kept."""
    try:
        return isinstance(await renewal, InvalidToken)
    except InvalidToken:
        return True


async def test_twenty_thieves_and_their_victim_share_one_rotation(*, login, renew, add_user, school, visitor, events):
    """Whoever comes second with a token, from elsewhere, ends the family: at most one successor was ever given."""
    await add_user(school, "teacher", email=EMAIL)
    first = await login(school, EMAIL)
    origins = [dataclasses.replace(visitor, address=f"192.0.2.{n}") for n in range(20)]
    answers = await asyncio.gather(
        *(renew(first.refresh_token, origin=origin) for origin in origins), return_exceptions=True
    )
    given = [answer for answer in answers if isinstance(answer, Access)]
    assert len(given) == 1
    assert await is_refused(renew(given[0].refresh_token))
    assert len(events("RefreshReplayDetected")) == 1


async def test_every_ancestor_is_a_replay(*, login, renew, add_user, school, events, as_owner):
    await add_user(school, "teacher", email=EMAIL)
    for generations in (2, 3, 5):
        chain = [(await login(school, EMAIL)).refresh_token]
        for _ in range(generations):
            chain.append((await renew(chain[-1])).refresh_token)
        assert await is_refused(renew(chain[generations - 2]))
        assert await is_refused(renew(chain[-1]))
    assert len(events("RefreshReplayDetected")) == 3
    reasons = as_owner("identity", "select distinct end_reason from identity.sessions")
    assert reasons == [{"end_reason": "REPLAY"}]


async def test_a_replay_ends_its_own_family_alone(*, login, renew, add_user, school, clock):
    await add_user(school, "teacher", email=EMAIL)
    stolen, other = await login(school, EMAIL), await login(school, EMAIL)
    await renew(stolen.refresh_token)
    clock.now += timedelta(seconds=11)
    assert await is_refused(renew(stolen.refresh_token))
    assert isinstance(await renew(other.refresh_token), Access)


@pytest.mark.parametrize("reason", ["STATUS", "PASSWORD", "REVOKED", "LOGOUT"])
async def test_an_ended_session_renews_nothing(*, login, renew, database, add_user, school, revocations, reason):
    person = await add_user(school, "teacher", email=EMAIL)
    first = await login(school, EMAIL)
    second = await renew(first.refresh_token)
    async with database.write(system_binding(school)) as tx:
        await end_sessions(tx, person.user_id, reason=reason, revocations=revocations)
    for token in (first.refresh_token, second.refresh_token):
        assert await is_refused(renew(token))


@pytest.mark.parametrize("change", ["status = 'INACTIVE'", "status = 'INVITED'", "deleted_at = now()"])
async def test_an_account_that_is_closed_renews_nothing(*, login, renew, add_user, school, as_owner, change):
    await add_user(school, "teacher", email=EMAIL)
    first = await login(school, EMAIL)
    as_owner("identity", f"update identity.users set {change}")
    assert await is_refused(renew(first.refresh_token))


async def test_a_suspended_school_renews_nothing(*, login, renew, add_user, school, as_owner):
    await add_user(school, "teacher", email=EMAIL)
    first = await login(school, EMAIL)
    as_owner("identity", "update identity.tenants set status = 'SUSPENDED' where id = %s", (school,))
    assert await is_refused(renew(first.refresh_token))


async def test_a_token_that_names_another_school_opens_neither(*, login, renew, add_user, school, other_school):
    """The school is part of the token: who changes it has another token, which nobody was given."""
    for tenant in (school, other_school):
        await add_user(tenant, "teacher", email=EMAIL)
    first = await login(school, EMAIL)
    secret = first.refresh_token
    forged = encode_token(other_school, b"\0" * 32)[:22] + secret[22:]
    for token, tenant in ((secret, other_school), (forged, other_school), (forged, PLATFORM_TENANT_ID)):
        assert await is_refused(renew(token, tenant_id=tenant))
    for token in (first.access_token, first.device_token):
        assert await is_refused(renew(token, tenant_id=school))
    assert isinstance(await renew(secret), Access)


@pytest.mark.deep
async def test_a_flushed_valkey_lets_no_replay_through(
    *, login, renew, database, add_user, school, revocations, settings, clock
):
    """Truth is in PostgreSQL: what Valkey forgot is said again, and was never what a renewal is decided by."""
    await add_user(school, "teacher", email=EMAIL)
    for _ in range(20):
        first = await login(school, EMAIL)
        second = await renew(first.refresh_token)
        await revocations._client.flushdb()
        clock.now += timedelta(seconds=11)
        assert await is_refused(renew(first.refresh_token))
        await revocations._client.flushdb()
        assert await is_refused(renew(second.refresh_token))
        async with database.write(system_binding(PLATFORM_TENANT_ID)) as tx:
            await republish_revocations(tx, revocations=revocations, life=timedelta(seconds=900))
        fresh = Revocations(settings)
        assert await fresh.poll()
        assert first.actor.session_id in fresh._sessions
        await fresh.close()
