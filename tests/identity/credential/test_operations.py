"""Invitations accepted: a password is set once, by whoever holds the token."""

import asyncio
from datetime import timedelta

import pytest

from libs.auth import system_binding
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.credential.operations.accept_invitation import accept_invitation, hash_first_password
from subgraphs.identity.credential.operations.upkeep import purge_tokens
from subgraphs.identity.credential.rules import InvalidToken, WeakPassword
from tests.identity.conftest import PASSWORD


@pytest.fixture
def accept(database, contacts, hasher, revocations, visitor):
    async def run(token, password=PASSWORD, tenant_id=PLATFORM_TENANT_ID):
        hashed = await hash_first_password(database, token=token, password=password, contacts=contacts, hasher=hasher)
        async with database.write(system_binding(tenant_id)) as tx:
            return await accept_invitation(
                tx,
                token=token,
                password_hash=hashed,
                origin=visitor,
                contacts=contacts,
                revocations=revocations,
            )

    return run


async def test_accepting_makes_the_account_active_once(
    *, invite, accept, school, invitations, as_owner, events, audited
):
    user_id = await invite(school)
    token = invitations()[0].secret["token"]
    actor = await accept(token)
    assert (actor.user_id, actor.tenant_id, actor.permissions) == (user_id, school, {"user:read_own"})
    (row,) = as_owner("identity", "select status, password_hash, ver from identity.users")
    assert (row["status"], row["ver"]) == ("ACTIVE", 2)
    assert row["password_hash"].startswith("$2b$04$")
    assert len(events("UserActivated")) == 1
    assert audited(school)[-1] == "user.activated"
    with pytest.raises(InvalidToken):
        await accept(token)


async def test_of_two_acceptances_one_wins(invite, accept, school, invitations, events):
    await invite(school)
    token = invitations()[0].secret["token"]
    answers = await asyncio.gather(*(accept(token, f"{PASSWORD}{n}") for n in range(2)), return_exceptions=True)
    assert sum(isinstance(answer, InvalidToken) for answer in answers) == 1
    assert len(events("UserActivated")) == 1


async def test_a_token_ends_after_seven_days_and_in_another_school(
    *, invite, accept, school, other_school, invitations, clock
):
    await invite(school)
    token = invitations()[0].secret["token"]
    with pytest.raises(InvalidToken):
        await accept(token, tenant_id=other_school)
    clock.now += timedelta(days=7)
    with pytest.raises(InvalidToken):
        await accept(token)


async def test_a_weak_password_uses_nothing_up(invite, accept, school, invitations):
    await invite(school)
    token = invitations()[0].secret["token"]
    with pytest.raises(WeakPassword) as weak:
        await accept(token, "Lestari-7777")
    assert weak.value.data["rules"] == ["SIMILAR"]
    assert (await accept(token, tenant_id=school)).tenant_id == school


async def test_a_suspended_school_takes_no_acceptance(invite, accept, school, invitations, as_owner):
    await invite(school)
    as_owner("identity", "update identity.tenants set status = 'SUSPENDED' where id = %s", (school,))
    with pytest.raises(InvalidToken):
        await accept(invitations()[0].secret["token"])


async def test_old_tokens_are_purged_in_their_own_school(*, invite, database, school, other_school, clock, as_owner):
    for tenant in (school, other_school):
        await invite(tenant)
    clock.now += timedelta(days=38)
    async with database.write(system_binding(school)) as tx:
        await purge_tokens(tx)
    assert as_owner("identity", "select tenant_id from identity.one_time_tokens") == [{"tenant_id": other_school}]
