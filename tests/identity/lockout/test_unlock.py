"""Opening a locked account: by link, by somebody of the school, and asking for another link."""

import asyncio
import dataclasses
from datetime import timedelta

import pytest

from libs.auth import system_binding
from libs.crypto import KeyRing
from libs.events.contracts.identity import UnlockRequested
from libs.events.sealing import unseal_event
from libs.kernel import Forbidden, NotFound, new_id
from libs.testing import actor_of
from subgraphs.identity.lockout.operations.desk import UnlockDesk
from subgraphs.identity.lockout.operations.unlock import unlock_user
from subgraphs.identity.lockout.rules import AccountLocked
from subgraphs.identity.session.operations.sign_in import SignedIn

EMAIL = "a@x.test"


@pytest.fixture
def desk(database, contacts):
    return UnlockDesk(database, contacts)


@pytest.fixture
def lock(login, visitor):
    """`await lock(school)`: fifty failures from anywhere, the first five of them from the visitor's address."""

    async def run(tenant_id, email=EMAIL):
        for number in range(50):
            address = visitor.address if number < 5 else f"198.51.100.{number}"
            await login(tenant_id, email, "wrong", origin=dataclasses.replace(visitor, address=address))

    return run


@pytest.fixture
def links(events, settings):
    """The UnlockRequested events in clear."""

    def opened():
        ring = KeyRing.from_settings(settings)
        return [unseal_event(ring, row["tenant_id"], UnlockRequested, row["data"]) for row in events("UnlockRequested")]

    return opened


async def is_locked(login, tenant_id):
    try:
        return not isinstance(await login(tenant_id, EMAIL), SignedIn)
    except AccountLocked:
        return True


async def test_the_mailed_link_opens_once(
    *, login, lock, links, desk, add_user, school, visitor, clock, audited, events
):
    person = await add_user(school, "teacher", email=EMAIL, name="Siti Rahma")
    await lock(school)
    (link,) = links()
    assert link.user_id == person.user_id
    assert link.personal["email"] == EMAIL
    assert link.expires_at - clock.now == timedelta(minutes=30)
    assert await is_locked(login, school)
    assert await desk.unlock(token=link.secret["token"], origin=visitor)
    assert not await is_locked(login, school)
    assert "user.unlocked" in audited(school)
    assert len(events("UserUnlocked")) == 1
    assert not await desk.unlock(token=link.secret["token"], origin=visitor)


async def test_no_other_token_opens(*, login, lock, links, desk, add_user, school, visitor, clock, as_owner):
    await add_user(school, "teacher", email=EMAIL)
    session = await login(school, EMAIL)
    await lock(school)
    token = links()[0].secret["token"]
    for other in ("", "x" * 64, session.refresh_token, session.device_token):
        assert not await desk.unlock(token=other, origin=visitor)
    as_owner("identity", "update identity.tenants set status = 'SUSPENDED' where id = %s", (school,))
    assert not await desk.unlock(token=token, origin=visitor)
    as_owner("identity", "update identity.tenants set status = 'ACTIVE' where id = %s", (school,))
    clock.now += timedelta(minutes=30)
    assert not await desk.unlock(token=token, origin=visitor)
    assert await is_locked(login, school)


async def test_of_two_who_come_with_one_link_one_opens(*, lock, links, desk, add_user, school, visitor, events):
    await add_user(school, "teacher", email=EMAIL)
    await lock(school)
    token = links()[0].secret["token"]
    tries = (desk.unlock(token=token, origin=visitor) for _ in range(2))
    assert sorted(await asyncio.gather(*tries)) == [False, True]
    assert len(events("UserUnlocked")) == 1


async def test_another_link_is_mailed_to_who_is_locked_and_not_too_often(
    *, lock, links, desk, add_user, school, other_school, visitor, clock
):
    for tenant, email in ((school, EMAIL), (school, "open@x.test"), (other_school, EMAIL)):
        await add_user(tenant, "teacher", email=email)
    await lock(school)
    asked = [
        (school, EMAIL),
        (school, "open@x.test"),
        (school, "nobody@x.test"),
        (other_school, EMAIL),
        (new_id(), EMAIL),
    ]
    for tenant, email in asked:
        await desk.request_link(tenant, email=email, origin=visitor)
    assert len(links()) == 1
    clock.now += timedelta(minutes=6)
    await asyncio.gather(*(desk.request_link(tenant, email=email, origin=visitor) for tenant, email in asked * 2))
    first, second = links()
    assert not await desk.unlock(token=first.secret["token"], origin=visitor)
    assert await desk.unlock(token=second.secret["token"], origin=visitor)


async def test_the_school_unlocks_its_own(*, login, lock, database, add_user, school, other_school, visitor, audited):
    person = await add_user(school, "teacher", email=EMAIL)
    await lock(school)
    for tenant, user_id in ((other_school, person.user_id), (school, new_id())):
        with pytest.raises(NotFound):
            async with database.write(system_binding(tenant)) as tx:
                await unlock_user(
                    tx, user_id=user_id, actor=actor_of("school_admin", tenant), today=tx.now.date(), origin=visitor
                )
    assert await is_locked(login, school)
    async with database.write(system_binding(school)) as tx:
        await unlock_user(
            tx, user_id=person.user_id, actor=actor_of("school_admin", school), today=tx.now.date(), origin=visitor
        )
    assert not await is_locked(login, school)
    assert "user.unlocked" in audited(school)


async def test_nobody_unlocks_who_may_do_more(*, login, lock, database, add_user, school, visitor):
    admin = await add_user(school, "school_admin", email=EMAIL)
    await lock(school)
    for lesser in ("principal", "teacher"):
        with pytest.raises(Forbidden):
            async with database.write(system_binding(school)) as tx:
                await unlock_user(
                    tx, user_id=admin.user_id, actor=actor_of(lesser, school), today=tx.now.date(), origin=visitor
                )
    assert await is_locked(login, school)
