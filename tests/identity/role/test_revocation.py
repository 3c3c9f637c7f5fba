"""A role is taken from somebody: at once, after a last day, before it begins."""

import asyncio
from datetime import timedelta

import pytest

from libs.kernel import Forbidden, InvalidInput, NotFound, new_id
from subgraphs.identity.role.rules import LastAdministrator
from tests.identity.role.conftest import TODAY, somebody

TOMORROW, NEXT_WEEK = TODAY + timedelta(days=1), TODAY + timedelta(days=7)
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def periods(as_owner):
    """`periods("finance_staff")`: from when to when it is held."""

    def of(hat):
        statement = "select valid_from, valid_until from identity.user_roles where hat = %s order by 1"
        return [(row["valid_from"], row["valid_until"]) for row in as_owner("identity", statement, (hat,))]

    return of


@pytest.fixture
async def person(add_user, school):
    """A parent."""
    return await add_user(school, "parent")


async def test_at_once(*, roles, assign, person, periods, held, version, events, audited, school, revocations):
    await assign(person.user_id, "finance_staff", since=TODAY - timedelta(days=7))
    await roles.revoke(person.user_id, "finance_staff")
    assert periods("finance_staff") == [(TODAY - timedelta(days=7), YESTERDAY)]
    assert await held(person.user_id) == []
    (event,) = events("RoleRevoked")
    assert (event["data"]["role"], event["data"]["roles"], event["data"]["ver"]) == ("finance_staff", [], 3)
    assert version(person) == revocations._versions[person.user_id][0] == 3
    assert audited(school)[-1] == "user.role_revoked"


async def test_what_began_today_is_gone_without_a_trace(roles, assign, person, periods):
    await assign(person.user_id, "finance_staff")
    await roles.revoke(person.user_id, "finance_staff")
    assert periods("finance_staff") == []


async def test_after_a_last_day_and_what_would_come_later(roles, assign, person, periods, held):
    await assign(person.user_id, "finance_staff", until=NEXT_WEEK)
    await assign(person.user_id, "finance_staff", since=TODAY + timedelta(days=30))
    await roles.revoke(person.user_id, "finance_staff", until=TOMORROW)
    assert periods("finance_staff") == [(TODAY, TOMORROW)]
    assert await held(person.user_id, TOMORROW) == ["finance_staff"]
    assert await held(person.user_id, TOMORROW + timedelta(days=1)) == []


async def test_what_ends_by_then_anyway_stays(roles, assign, person, periods, events):
    await assign(person.user_id, "finance_staff", until=TOMORROW)
    await roles.revoke(person.user_id, "finance_staff", until=NEXT_WEEK)
    assert periods("finance_staff") == [(TODAY, TOMORROW)]
    assert events("RoleRevoked") == []


async def test_a_role_of_days_to_come_is_taken_before_it_begins(roles, assign, person, periods):
    await assign(person.user_id, "finance_staff", since=NEXT_WEEK)
    await roles.revoke(person.user_id, "finance_staff")
    assert periods("finance_staff") == []


async def test_what_is_over_is_over(roles, assign, person, periods):
    await assign(person.user_id, "finance_staff", since=YESTERDAY, until=YESTERDAY)
    with pytest.raises(NotFound):
        await roles.revoke(person.user_id, "finance_staff")
    assert periods("finance_staff") == [(YESTERDAY, YESTERDAY)]


async def test_what_cannot_be_taken(*, roles, roles_elsewhere, assign, person, school, periods):
    await assign(person.user_id, "finance_staff")
    before = periods("finance_staff")
    with pytest.raises(InvalidInput) as invalid:
        await roles.revoke(person.user_id, "finance_staff", until=YESTERDAY)
    assert [fault.path for fault in invalid.value.faults] == ["input.validUntil"]
    with pytest.raises(Forbidden):
        await roles.revoke(person.user_id, "finance_staff", actor=somebody(school, "role:revoke"))
    for attempt in (
        roles.revoke(person.user_id, "teacher"),
        roles.revoke(person.user_id, "nothing"),
        roles.revoke(new_id(), "finance_staff"),
        roles_elsewhere.revoke(person.user_id, "finance_staff"),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert periods("finance_staff") == before


@pytest.fixture
async def administrators(add_user, school, as_owner):
    """Two, for long."""
    people = [await add_user(school, "school_admin") for _ in range(2)]
    as_owner("identity", "update identity.user_roles set valid_from = %s", (TODAY - timedelta(days=90),))
    return people


async def test_the_last_administrator_keeps_the_hat(roles, administrators):
    first, second = administrators
    await roles.revoke(first.user_id, "school_admin", until=NEXT_WEEK)
    for until in (None, NEXT_WEEK):
        with pytest.raises(LastAdministrator):
            await roles.revoke(second.user_id, "school_admin", until=until)
    await roles.revoke(first.user_id, "school_admin")


async def test_two_administrators_who_depose_each_other(roles, administrators):
    outcomes = await asyncio.gather(
        *(roles.revoke(each.user_id, "school_admin") for each in administrators), return_exceptions=True
    )
    assert sorted(isinstance(outcome, LastAdministrator) for outcome in outcomes) == [False, True]


async def test_given_and_taken_at_once_is_one_of_both(roles, assign, person, periods):
    await assign(person.user_id, "finance_staff")
    await asyncio.gather(roles.revoke(person.user_id, "finance_staff"), assign(person.user_id, "finance_staff"))
    assert periods("finance_staff") in ([], [(TODAY, None)])
