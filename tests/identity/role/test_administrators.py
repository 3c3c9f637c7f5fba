"""A school keeps an administrator, whoever removes whom at the same moment."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from libs.auth import system_binding
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.role.model import UserRole
from subgraphs.identity.role.queries import keeping_an_administrator
from subgraphs.identity.role.rules import LastAdministrator
from subgraphs.identity.user.model import User


@pytest.fixture
def remove(database):
    """`await remove(admin)`: deletes the account; `hat=True` the hat alone, `on=` a day makes it end then."""

    async def run(person, *, hat=False, on=None, pause=0.0):
        tenant = person.tenant_id
        async with database.write(system_binding(tenant)) as tx, keeping_an_administrator(tx, tx.now.date()):
            mine = (UserRole.tenant_id == tenant, UserRole.user_id == person.user_id)
            if hat:
                await tx.execute(delete(UserRole).where(*mine))
            elif on is not None:
                await tx.execute(update(UserRole).where(*mine).values(valid_until=on))
            else:
                user = await tx.get(User, person.user_id, lock=True)
                user.deleted_at = tx.now
            await asyncio.sleep(pause)

    return run


async def test_the_second_but_not_the_last(add_user, remove, school, other_school):
    first, second = [await add_user(school, "school_admin") for _ in range(2)]
    await add_user(other_school, "school_admin")
    await remove(first)
    for way in ({}, {"hat": True}):
        with pytest.raises(LastAdministrator):
            await remove(second, **way)


async def test_an_end_that_is_set_is_a_removal(add_user, remove, school, clock):
    admin = await add_user(school, "school_admin")
    day = clock.now.date() + timedelta(days=30)
    with pytest.raises(LastAdministrator):
        await remove(admin, on=day)
    successor = await add_user(school, "school_admin")
    await remove(successor, on=day)
    with pytest.raises(LastAdministrator):
        await remove(admin, hat=True)
    await remove(successor, hat=True)


async def test_who_has_not_accepted_is_no_administrator_yet(add_user, remove, school):
    admin = await add_user(school, "school_admin")
    invited = await add_user(school, "school_admin", active=False)
    with pytest.raises(LastAdministrator):
        await remove(admin)
    await remove(invited)


async def test_of_a_school_nobody_has_accepted_yet_one_stays_invited(add_user, remove, school):
    invited = await add_user(school, "school_admin", active=False)
    with pytest.raises(LastAdministrator):
        await remove(invited)


async def test_everybody_else_goes(add_user, remove, school):
    await remove(await add_user(school, "teacher"))


async def test_the_platform_keeps_one_too(add_user, remove):
    with pytest.raises(LastAdministrator):
        await remove(await add_user(PLATFORM_TENANT_ID, "super_admin"))


async def test_of_two_who_go_at_once_one_stays(add_user, remove, school, as_owner):
    people = [await add_user(school, "school_admin") for _ in range(2)]
    outcomes = await asyncio.gather(*(remove(each, pause=0.05) for each in people), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {LastAdministrator, type(None)}
    (left,) = as_owner("identity", "select count(*) as n from identity.users where deleted_at is null")
    assert left["n"] == 1
