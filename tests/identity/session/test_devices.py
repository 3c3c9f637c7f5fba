"""Devices: known again, forgotten, purged."""

import dataclasses
from datetime import timedelta

import pytest

from libs.auth import system_binding
from libs.kernel import NotFound, new_id
from subgraphs.identity.credential.rules import InvalidToken
from subgraphs.identity.session.operations.devices import forget_device
from subgraphs.identity.session.operations.sign_in import SignedIn
from subgraphs.identity.session.operations.upkeep import purge_sessions
from subgraphs.identity.session.queries import Access, known_devices

EMAIL = "a@x.test"


@pytest.fixture
def forget(database, visitor, revocations):
    async def run(tenant_id, actor, device_id):
        async with database.write(system_binding(tenant_id)) as tx:
            await forget_device(tx, device_id=device_id, actor=actor, origin=visitor, revocations=revocations)

    return run


@pytest.fixture
def devices(database):
    async def of(tenant_id, user_id):
        async with database.read(system_binding(tenant_id)) as tx:
            return (await known_devices(tx, [user_id]))[user_id]

    return of


async def test_a_device_is_remembered_once(*, login, add_user, school, devices, clock, as_owner):
    person = await add_user(school, "teacher", email=EMAIL)
    first = await login(school, EMAIL, device="Laptop")
    clock.now += timedelta(hours=1)
    again = await login(school, EMAIL, device_token=first.device_token)
    other = await login(school, EMAIL, device="HP")
    assert again.device_token == first.device_token != other.device_token
    assert [device.name for device in await devices(school, person.user_id)] == ["Laptop", "HP"] or [
        device.name for device in await devices(school, person.user_id)
    ] == ["HP", "Laptop"]
    (secret, _) = as_owner("identity", "select secret_hash from identity.devices order by id")
    assert first.device_token.encode() not in secret["secret_hash"]
    names = as_owner("identity", "select device from identity.sessions order by id")
    assert [row["device"] for row in names] == ["Laptop", "Laptop", "HP"]


async def test_a_forgotten_device_is_a_stranger_and_signed_out(
    *, login, renew, forget, devices, add_user, school, events, audited
):
    person = await add_user(school, "teacher", email=EMAIL)
    mine, kept = await login(school, EMAIL), await login(school, EMAIL)
    device = min(await devices(school, person.user_id), key=lambda each: each.id)
    await forget(school, person, device.id)
    with pytest.raises(InvalidToken):
        await renew(mine.refresh_token)
    assert isinstance(await renew(kept.refresh_token), Access)
    assert [row["data"]["session_id"] for row in events("SessionRevoked")] == [str(mine.actor.session_id)]
    assert "device.forgotten" in audited(school)
    again = await login(school, EMAIL, device_token=mine.device_token)
    assert isinstance(again, SignedIn)
    assert again.device_token != mine.device_token


async def test_nobody_forgets_the_device_of_another(*, login, forget, devices, add_user, school, other_school):
    person = await add_user(school, "teacher", email=EMAIL)
    admin = await add_user(school, "school_admin", email="b@x.test")
    await login(school, EMAIL)
    (device,) = await devices(school, person.user_id)
    for tenant, actor, device_id in (
        (school, admin, device.id),
        (other_school, dataclasses.replace(person), device.id),
        (school, person, new_id()),
    ):
        with pytest.raises(NotFound):
            await forget(tenant, actor, device_id)
    assert await devices(school, person.user_id) == [device]


async def test_devices_unused_for_ninety_days_are_purged(
    *, login, renew, devices, database, add_user, school, other_school, clock
):
    people = [await add_user(tenant, "teacher", email=EMAIL) for tenant in (school, school, other_school)[1:]]
    gone, kept = await login(school, EMAIL), await login(school, EMAIL)
    await login(other_school, EMAIL)
    token = kept.refresh_token
    for _ in range(15):
        clock.now += timedelta(days=6, hours=23)
        token = (await renew(token)).refresh_token
    async with database.write(system_binding(school)) as tx:
        await purge_sessions(tx)
    assert len(await devices(school, people[0].user_id)) == 1
    assert len(await devices(other_school, people[1].user_id)) == 1
    again = await login(school, EMAIL, device_token=gone.device_token)
    assert again.device_token != gone.device_token
    again = await login(school, EMAIL, device_token=kept.device_token)
    assert again.device_token == kept.device_token
