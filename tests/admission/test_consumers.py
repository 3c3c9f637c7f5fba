from datetime import timedelta

from libs.events.contracts.identity import TenantCreated, TenantUpdated
from libs.jobs.schedules import Scheduler
from libs.kernel import new_id
from libs.settings import Settings
from subgraphs.admission.app import create_worker
from subgraphs.admission.jobs import SCHEDULES
from tests.admission.world import World

ENTRY = {
    "slug": "sman-1",
    "npsn": "20100001",
    "level": "SMA",
    "timezone": "Asia/Makassar",
    "status": "ACTIVE",
    "features": ("ADMISSION",),
    "quotas": {"max_students": 1_000},
}


async def test_a_new_school_is_kept_and_gets_its_timed_work_in_any_order(world: World):
    new = world.of(new_id())
    created = new.envelope(TenantCreated(tenant_id=new.tenant_id, name="SMAN 1", **ENTRY), sequence=1)
    updated = new.envelope(TenantUpdated(tenant_id=new.tenant_id, name="SMAN 1 Jaya", **ENTRY), sequence=2)
    for envelope in (updated, created, created, updated):
        await new.receive(envelope)
    (row,) = new.rows("tenants")
    assert (row["name"], row["npsn"], row["features"], row["sequence"]) == (
        "SMAN 1 Jaya",
        "20100001",
        ["ADMISSION"],
        2,
    )
    statement = "select name, next_run_at, now() as now from admission.timed_jobs where tenant_id = %s"
    (job,) = new.as_owner("admission", statement, (new.tenant_id,))
    assert job["name"] == "close_periods"
    assert timedelta(minutes=55) < job["next_run_at"] - job["now"] < timedelta(hours=2)
    assert not await Scheduler(world.database, SCHEDULES).run_next()


async def test_the_worker_knows_how_periods_and_applications_are_told_again(settings: Settings):
    worker = create_worker(settings)
    assert set(worker.snapshots) == {"period", "application"}
    await worker.database.close()
