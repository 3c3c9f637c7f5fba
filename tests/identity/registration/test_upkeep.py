"""Registrations that nobody completed are forgotten, by a moved clock; what the school began stays."""

import asyncio
from datetime import timedelta

import pytest

from libs.auth import system_binding
from subgraphs.identity.credential.rules import TOKEN_LIVES, InvalidToken, TokenPurpose
from subgraphs.identity.jobs import schedules
from subgraphs.identity.registration.operations.upkeep import KEPT_AFTER_LINK, purge_registrations
from subgraphs.identity.tenant.operations.create_tenant import PURGE

EMAIL = "wati@x.test"
OVER = TOKEN_LIVES[TokenPurpose.REGISTRATION] + KEPT_AFTER_LINK
MINUTE = timedelta(minutes=1)
TABLES = {"users": "id", "user_names": "user_id", "user_roles": "user_id", "one_time_tokens": "user_id"}


@pytest.fixture
def purge(database, settings, revocations, school):
    """The timed work, as it runs for a school."""
    work = schedules(settings, revocations)[PURGE].operation

    async def run(tenant_id=school):
        async with database.write(system_binding(tenant_id)) as tx:
            await work(tx)

    return run


@pytest.fixture
def ids(as_owner):
    def of(table, column, tenant_id):
        rows = as_owner("identity", f"select {column} as id from identity.{table} where tenant_id = %s", (tenant_id,))
        return {row["id"] for row in rows}

    return of


@pytest.fixture
def waiting(as_owner):
    """`await waiting(task)`: returns once the task waits for a lock."""
    blocked = (
        "select 1 from pg_locks join pg_stat_activity using (pid) where datname = current_database() and not granted"
    )

    async def until(task):
        while not task.done() and not await asyncio.to_thread(as_owner, "identity", blocked):
            await asyncio.wait([task], timeout=0.01)
        assert not task.done()

    return until


async def test_a_week_after_its_last_link_nothing_is_left_of_a_registration(
    *, register, purge, open_school, other_school, clock, as_owner, ids, audited, events
):
    began = clock.now
    await register(EMAIL)
    await register(EMAIL, tenant_id=other_school)
    (user_id,) = ids("users", "id", open_school)
    clock.now = began + OVER - MINUTE
    await purge()
    assert ids("users", "id", open_school) == {user_id}
    clock.now = began + OVER
    await purge()
    for table, column in (TABLES | {"data_keys": "subject_id"}).items():
        assert ids(table, column, open_school) <= {open_school}, table
        assert ids(table, column, other_school), table
    assert audited(open_school) == ["user.created", "user.deleted"]
    (row,) = as_owner(
        "identity", "select user_id, old_values, new_values from identity.audit_logs where old_values is not null"
    )
    assert row == {"user_id": None, "old_values": {"status": "INVITED"}, "new_values": {"reason": "NEVER_COMPLETED"}}
    (deleted,) = events("UserDeleted")
    assert (deleted["tenant_id"], deleted["data"]["user_id"]) == (open_school, str(user_id))
    await purge()
    assert len(events("UserDeleted")) == 1


async def test_another_link_is_another_week(*, register, resend, purge, clock, school, ids, registrations, complete):
    began = clock.now
    await register(EMAIL)
    clock.now = began + OVER - MINUTE
    await resend(EMAIL)
    clock.now = began + OVER + timedelta(hours=1)
    await purge()
    assert ids("users", "id", school)
    await complete(registrations()[-1].secret["token"])
    clock.now += 10 * OVER
    await purge()
    assert ids("users", "id", school)


async def test_what_the_school_began_or_holds_is_never_purged(
    *, invite, add_user, register, purge, clock, school, ids, as_owner
):
    for change in ("status = 'INACTIVE'", "deleted_at = now()"):
        await register(EMAIL)
        as_owner("identity", f"update identity.users set {change}, email_blind = uuid_send(id) returning id")
    await invite(school, "undangan@x.test")
    await add_user(school, "teacher", email="guru@x.test")
    kept = ids("users", "id", school)
    assert len(kept) == 4
    clock.now += timedelta(days=400)
    await purge()
    assert ids("users", "id", school) == kept


@pytest.fixture
def deed(register, resend, complete, registrations):
    """`await deed("resend")`: what somebody does about the registration of EMAIL."""

    async def do(name, tx=None):
        match name:
            case "complete":
                await complete(registrations()[0].secret["token"], tx=tx)
            case "resend":
                await resend(EMAIL, tx=tx)
            case "register":
                await register(EMAIL, tx=tx)

    return do


@pytest.mark.parametrize("name", ["complete", "resend", "register"])
async def test_whoever_comes_the_moment_before_keeps_the_registration(
    *, register, deed, purge, database, clock, school, ids, waiting, name
):
    """The deed holds the account; the purge waits for it, and looks again."""
    await register(EMAIL)
    kept, over = ids("users", "id", school), clock.now + OVER
    if name != "complete":  # whose transaction began while the link was good
        clock.now = over
    async with database.write(system_binding(school)) as tx:
        await deed(name, tx)
        clock.now = over
        purging = asyncio.create_task(purge())
        await waiting(purging)
    await purging
    assert ids("users", "id", school) == kept


@pytest.mark.parametrize(("name", "left"), [("complete", 0), ("resend", 0), ("register", 1)])
async def test_whoever_comes_the_moment_after_finds_nothing(
    *, register, deed, database, contacts, clock, school, ids, waiting, name, left
):
    await register(EMAIL)
    gone, began = ids("users", "id", school), clock.now
    clock.now = began + OVER
    async with database.write(system_binding(school)) as tx:
        await purge_registrations(tx, contacts=contacts)
        clock.now = began if name == "complete" else clock.now
        late = asyncio.create_task(deed(name))
        await waiting(late)
    if name == "complete":
        with pytest.raises(InvalidToken):
            await late
    else:
        await late
    found = ids("users", "id", school)
    assert (len(found), found & gone) == (left, set())
