"""Timed work: each tenant's run when it is due, once, in one transaction with the next date."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from libs.db import Database, TenantTransaction
from libs.jobs import Schedule, Scheduler, add_schedule
from libs.kernel import Binding, Scope, new_id
from libs.settings import Settings

START = datetime(2026, 7, 1, tzinfo=UTC)
SCHOOLS = sorted([new_id(), new_id()])


async def note(tx: TenantTransaction) -> None:
    await tx.execute(text("insert into academic.notes (id, text) values (:id, 'ran')"), {"id": new_id()})


def at(settings: Settings, moment: datetime) -> Database:
    return Database(settings, "academic", clock=lambda: moment)


async def runs(database: Database, tenant_id: UUID) -> int:
    async with database.read(Binding(tenant_id, Scope.SYSTEM)) as tx:
        count: int = (await tx.execute(text("select count(*) from academic.notes"))).scalar_one()
        return count


async def test_due_work_runs_once_per_school(settings: Settings) -> None:
    plan = {"remind": Schedule(every=timedelta(hours=1), operation=note)}
    now = at(settings, START)
    for school in SCHOOLS:
        async with now.write(Binding(school, Scope.SYSTEM)) as tx:
            await add_schedule(tx, "academic", "remind", first_run_at=START)
            await add_schedule(tx, "academic", "remind", first_run_at=START + timedelta(days=9))
            await add_schedule(tx, "academic", "unknown", first_run_at=START)
    while await Scheduler(now, plan).run_next():
        pass
    assert [await runs(now, school) for school in SCHOOLS] == [1, 1]
    later = at(settings, START + timedelta(hours=5))  # four runs were missed: they are not made up for
    while await Scheduler(later, plan).run_next():
        pass
    assert [await runs(now, school) for school in SCHOOLS] == [2, 2]
    await now.close()
    await later.close()


async def test_two_schedulers_run_it_once(settings: Settings) -> None:
    plan = {"remind": Schedule(every=timedelta(hours=1), operation=note)}
    now = at(settings, START)
    async with now.write(Binding(SCHOOLS[0], Scope.SYSTEM)) as tx:
        await add_schedule(tx, "academic", "remind", first_run_at=START)
    ran = await asyncio.gather(*(Scheduler(now, plan).run_next() for _ in range(5)))
    assert sum(ran) == 1
    assert await runs(now, SCHOOLS[0]) == 1
    await now.close()


async def test_a_failing_run_leaves_nothing_and_comes_again_in_a_minute(settings: Settings) -> None:
    async def fail(tx: TenantTransaction) -> None:
        await note(tx)
        raise RuntimeError

    now = at(settings, START)
    async with now.write(Binding(SCHOOLS[0], Scope.SYSTEM)) as tx:
        await add_schedule(tx, "academic", "remind", first_run_at=START)
    failing = {"remind": Schedule(every=timedelta(days=1), operation=fail)}
    assert await Scheduler(now, failing).run_next()
    assert await runs(now, SCHOOLS[0]) == 0
    sound = {"remind": Schedule(every=timedelta(days=1), operation=note)}
    assert not await Scheduler(now, sound).run_next()
    later = at(settings, START + timedelta(minutes=1))
    assert await Scheduler(later, sound).run_next()
    assert await runs(now, SCHOOLS[0]) == 1
    await now.close()
    await later.close()
