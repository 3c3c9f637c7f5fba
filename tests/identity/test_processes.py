"""What migrate prepares, and what the clock does."""

from datetime import timedelta

from pydantic import SecretStr

from libs.auth import Revocations
from libs.jobs import Scheduler
from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.identity.app import create_worker, prepare
from subgraphs.identity.jobs import schedules


async def test_migrate_prepares_the_platform_once(settings, as_owner):
    given = settings.model_copy(
        update={"platform_email": "platform@x.test", "platform_password": SecretStr("Melati-putih-7")}
    )
    for _ in range(2):
        await prepare(given)
    (tenant,) = as_owner("identity", "select id, slug from identity.tenants")
    assert (tenant["id"], tenant["slug"]) == (PLATFORM_TENANT_ID, "platform")
    (user,) = as_owner("identity", "select tenant_id, status, staff from identity.users")
    assert (user["tenant_id"], user["status"], user["staff"]) == (PLATFORM_TENANT_ID, "ACTIVE", True)
    named = as_owner("identity", "select name from identity.timed_jobs order by name")
    assert [row["name"] for row in named] == ["purge_accounts", "republish_revocations"]
    created = as_owner("identity", "select type from identity.outbox order by sequence")
    assert [row["type"].split(".")[3] for row in created] == ["UserCreated"]


async def test_without_a_password_nobody_is_made(settings, as_owner):
    await prepare(settings)
    assert as_owner("identity", "select * from identity.users") == []


async def test_the_schedules_run(settings, database, clock, as_owner):
    await prepare(settings)
    clock.now += timedelta(hours=2)  # housekeeping of a new tenant is due within two hours
    revocations = Revocations(settings)
    scheduler = Scheduler(database, schedules(settings, revocations))
    while await scheduler.run_next():
        continue
    await revocations.close()
    late = as_owner(
        "identity", "select name from identity.timed_jobs where last_run_at is null or next_run_at <= %s", (clock.now,)
    )
    assert late == []


async def test_a_worker_can_be_made(settings):
    assert create_worker(settings) is not None
