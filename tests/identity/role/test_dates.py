"""Roles with days act from the next token on, which is never further than fifteen minutes away."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.identity.role.conftest import TODAY

TOMORROW = TODAY + timedelta(days=1)
MOMENT = timedelta(seconds=1)


@pytest.mark.parametrize(("zone", "ahead"), [("Asia/Jakarta", 7), ("Asia/Makassar", 8), ("Asia/Jayapura", 9)])
async def test_a_renewed_token_has_what_is_held_that_day_at_the_school(
    *, login, renew, add_user, assign, school, as_owner, clock, tokens, zone, ahead
):
    as_owner("identity", "update identity.tenants set timezone = %s where id = %s", (zone, school))
    begins = datetime.combine(TOMORROW, datetime.min.time(), UTC) - timedelta(hours=ahead)
    clock.now = begins - timedelta(hours=2)
    person = await add_user(school, "parent")
    await assign(person.user_id, "finance_staff", since=TOMORROW, until=TOMORROW)
    token, seen = (await login(school, person.email)).refresh_token, []
    ends = begins + timedelta(days=1)
    for moment in (begins - MOMENT, begins, ends - MOMENT, ends, ends + timedelta(days=3)):
        clock.now = moment
        access = await renew(token)
        token = access.refresh_token
        seen.append(("finance_staff" in access.actor.roles, "invoice:read" in access.actor.permissions))
        assert "parent" in access.actor.roles
    assert seen == [(False, False), (True, True), (True, True), (False, False), (False, False)]
    assert tokens.access_seconds <= timedelta(minutes=15).total_seconds()


async def test_a_role_that_is_taken_for_a_day_to_come_ends_by_itself(*, login, renew, add_user, roles, school, clock):
    clock.now = datetime.combine(TODAY, datetime.min.time(), UTC)
    person = await add_user(school, "finance_staff")
    await roles.revoke(person.user_id, "finance_staff", until=TOMORROW)
    token, seen = (await login(school, person.email)).refresh_token, []
    for days in range(3):
        clock.now = datetime.combine(TODAY, datetime.min.time(), UTC) + timedelta(days=days, hours=1)
        access = await renew(token)
        token = access.refresh_token
        seen.append(access.actor.roles)
    assert seen == [("finance_staff",), ("finance_staff",), ()]
