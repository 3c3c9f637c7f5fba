"""Whoever may work on roles, but is no administrator, comes to nothing they did not hold, by whatever way."""

import base64
import json
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.auth import system_binding
from libs.kernel import DomainError, Forbidden, NotFound
from libs.testing import actor_of
from subgraphs.identity.role.queries import permissions_of, roles_of
from subgraphs.identity.role.rules import covers, system_role_id
from subgraphs.identity.tenant.rules import today_in
from tests.identity.conftest import PASSWORD
from tests.identity.role.conftest import TODAY, somebody

MANAGES = ("role:create", "role:update", "role:delete", "role:assign", "role:revoke")
HELD = (*MANAGES, "class:read", "student:read_taught", "invoice:read_own")
ASKED = (*HELD, "class:read_own", "student:read_own", "student:read", "grade:record", "invoice:read", "user:create")
LOGIN = """mutation($input: LoginInput!) { login(input: $input) { __typename
  ... on LoginSuccess { accessToken } } }"""
_names = count()

permissions = st.lists(st.sampled_from(ASKED), max_size=3)
places = st.integers(0, 7)
offsets = st.integers(-2, 3)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("create"), permissions, st.none() | places),
        st.tuples(st.just("grant"), places, permissions),
        st.tuples(st.just("withdraw"), places, permissions),
        st.tuples(st.just("inherit"), places, st.none() | places),
        st.tuples(st.just("assign"), places, places, offsets, st.none() | offsets),
        st.tuples(st.just("revoke"), places, places, st.none() | offsets),
    ),
    max_size=8,
)


class Deputy:
    """Somebody who may work on roles, what there is to work on, and whom it may touch."""

    def __init__(self, roles, assign, actor, people) -> None:
        self.roles, self.assign, self.actor, self.people = roles, assign, actor, people

    async def tries(self, step):
        """One step, whether it is refused or not."""
        what, *given = step
        names = list(await self.roles.all())
        try:
            await getattr(self, what)(names, *given)
        except DomainError:
            return

    def role(self, names, place):
        return names[-1 - place % len(names)]  # the school's own are the last ones

    async def id_of(self, names, place):
        return (await self.roles.all())[self.role(names, place)].id

    async def create(self, names, wanted, above):
        inherits = None if above is None else self.role(names, above)
        await self.roles.create(f"made {next(_names)}", *wanted, inherits=inherits, actor=self.actor)

    async def grant(self, names, place, wanted):
        await self.roles.grant(await self.id_of(names, place), *wanted, actor=self.actor)

    async def withdraw(self, names, place, wanted):
        await self.roles.withdraw(await self.id_of(names, place), *wanted, actor=self.actor)

    async def inherit(self, names, place, above):
        inherits = None if above is None else self.role(names, above)
        await self.roles.update(await self.id_of(names, place), inherits=inherits, actor=self.actor)

    async def assign_(self, names, whom, place, since, until):
        days = [None if day is None else TODAY + timedelta(days=day) for day in (since, until)]
        person = self.people[whom % len(self.people)]
        await self.assign(person.user_id, self.role(names, place), since=days[0], until=days[1], actor=self.actor)

    async def revoke(self, names, whom, place, until):
        last = None if until is None else TODAY + timedelta(days=until)
        person = self.people[whom % len(self.people)]
        await self.roles.revoke(person.user_id, self.role(names, place), until=last, actor=self.actor)


@pytest.fixture
async def deputy(roles, assign, add_user, school):
    await roles.create("deputy", *HELD)
    await roles.create("auditor", "grade:read", "payment:read", inherits="principal")
    people = [await add_user(school, role) for role in ("teacher", "parent", "principal")]
    await assign(people[0].user_id, "deputy")
    await assign(people[1].user_id, "auditor")
    return Deputy(roles, assign, somebody(school, *HELD), people)


@pytest.fixture
def effective(database, school):
    """What each of these people may do on any of the days around."""

    async def of(people):
        found = {}
        async with database.read(system_binding(school)) as tx:
            for person in people:
                days = [await roles_of(tx, [person.user_id], TODAY + timedelta(days=day)) for day in (-2, 0, 1, 4, 400)]
                found[person.user_id] = frozenset().union(*(permissions_of(day[person.user_id]) for day in days))
        return found

    return of


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
async def test_whatever_is_tried_nobody_comes_to_more_than_the_actor_held(deputy, effective, tried):
    before = await effective(deputy.people)
    for step in tried:
        await deputy.tries(("assign_", *step[1:]) if step[0] == "assign" else step)
    after = await effective(deputy.people)
    for user_id, permitted in after.items():
        won = permitted - before[user_id]
        assert all(covers(deputy.actor.permissions, permission) for permission in won), (tried, sorted(won))


@pytest.mark.parametrize("forbidden", ["grade:record", "student:read", "invoice:read", "user:create", "session:revoke"])
async def test_the_ways_up(*, deputy, roles, assign, effective, forbidden):
    """By a role, by inheritance, by editing the role one holds, by giving oneself another one."""
    me, mine = deputy.people[0], (await roles.all())["deputy"].id
    before = await effective([me])
    for attempt in (
        roles.create("better", forbidden, actor=deputy.actor),
        roles.create("better", inherits="school_admin", actor=deputy.actor),
        roles.create("better", inherits="auditor", actor=deputy.actor),
        roles.update(mine, inherits="school_admin", actor=deputy.actor),
        roles.grant(mine, forbidden, actor=deputy.actor),
        roles.grant(system_role_id("teacher"), forbidden, actor=deputy.actor),
        assign(me.user_id, "school_admin", actor=deputy.actor),
        assign(me.user_id, "auditor", actor=deputy.actor),
        assign(me.user_id, "principal", since=TODAY + timedelta(days=30), actor=deputy.actor),
        assign(me.user_id, "principal", since=TODAY, until=TODAY, actor=deputy.actor),
        roles.revoke(deputy.people[2].user_id, "principal", actor=deputy.actor),
    ):
        with pytest.raises(Forbidden):
            await attempt
    assert await effective([me]) == before


async def test_another_schools_strong_role_is_no_way_up(deputy, roles, roles_elsewhere, school):
    strong = await roles_elsewhere.create("strong", "grade:record")
    for actor in (deputy.actor, actor_of("school_admin", school)):
        with pytest.raises(NotFound):
            await roles.grant(strong, "class:read", actor=actor)
        with pytest.raises(NotFound):
            await deputy.assign(deputy.people[0].user_id, "strong", actor=actor)


async def test_hats_add_up_to_their_union(database, deputy, roles, assign, school):
    me = deputy.people[0]
    await assign(me.user_id, "parent")
    await assign(me.user_id, "teacher")
    known = await roles.all()
    async with database.read(system_binding(school)) as tx:
        held = (await roles_of(tx, [me.user_id], TODAY))[me.user_id]
    names = ["teacher", "parent", "deputy"]
    assert [role.name for role in held] == names
    assert permissions_of(held) == frozenset().union(*(known[name].permissions for name in names))


@pytest.mark.parametrize(
    ("since", "until", "holds"), [(-9, -1, False), (1, None, False), (0, 0, True), (-9, None, True)]
)
async def test_a_token_has_what_is_held_that_day_alone(*, graph, add_user, school, as_owner, since, until, holds):
    person = await add_user(school, "finance_staff")
    today = today_in("Asia/Jakarta", datetime.now(UTC))
    days = [None if day is None else today + timedelta(days=day) for day in (since, until)]
    as_owner("identity", "update identity.user_roles set valid_from = %s, valid_until = %s", days)
    given = {"input": {"email": person.email, "password": PASSWORD}}
    answer = (await graph(LOGIN, given, tenant_id=school)).ok()["login"]
    body = answer["accessToken"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert claims["roles"] == (["finance_staff"] if holds else [])
    assert ("invoice:read" in claims["permissions"]) is holds


@pytest.mark.parametrize(
    ("zone", "first", "after"),
    [("Asia/Jakarta", 17, 41), ("Asia/Makassar", 16, 40), ("Asia/Jayapura", 15, 39)],
)
async def test_a_day_begins_and_ends_by_the_schools_clock(*, database, add_user, assign, school, zone, first, after):
    """A hat of 4 August: `first` and `after` are hours of 3 August, UTC, at which it begins and is over."""
    person = await add_user(school, "parent")
    await assign(person.user_id, "finance_staff", since=TODAY + timedelta(days=1), until=TODAY + timedelta(days=1))
    midnight = datetime(2026, 8, 3, tzinfo=UTC)

    async def held(hours, seconds):
        day = today_in(zone, midnight + timedelta(hours=hours, seconds=seconds))
        async with database.read(system_binding(school)) as tx:
            return [role.name for role in (await roles_of(tx, [person.user_id], day))[person.user_id]]

    assert [await held(first, -1), await held(first, 0)] == [[], ["finance_staff"]]
    assert [await held(after, -1), await held(after, 0)] == [["finance_staff"], []]
