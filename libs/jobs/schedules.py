"""Timed work: a row per tenant and job says when it runs next; claimed, done and moved on in one transaction."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from libs.db import Database, TenantTransaction
from libs.kernel import PLATFORM_TENANT_ID, Binding, Scope
from libs.telemetry import get_logger

_PLATFORM = Binding(PLATFORM_TENANT_ID, Scope.SYSTEM)
_RETRY = timedelta(minutes=1)
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Timed work of each tenant that has a row for it; runs that were missed are not made up for."""

    every: timedelta
    operation: Callable[[TenantTransaction], Awaitable[None]]


Schedules = Mapping[str, Schedule]
"""What a subgraph's jobs.py holds: `SCHEDULES: Schedules = {"purge_sessions": Schedule(every=…, operation=…)}`."""


def first_run(now: datetime, tenant_id: UUID) -> datetime:
    """When housekeeping of a new tenant first runs: one to two hours on, each tenant at a moment of its own.

    A register brings hundreds of schools at once, which must not all be due at once, then and ever after.
    """
    return now + timedelta(seconds=3_600 + tenant_id.int % 3_600)


async def add_schedule(tx: TenantTransaction, schema: str, name: str, *, first_run_at: datetime) -> None:
    """Gives the transaction's tenant a schedule; one that is there already stays as it is."""
    statement = text(
        f"insert into {schema}.timed_jobs (name, next_run_at) values (:name, :at)"  # noqa: S608 - the schema is ours
        " on conflict do nothing"
    )
    await tx.execute(statement, {"name": name, "at": first_run_at})


class Scheduler:
    """Runs what is due in one subgraph."""

    def __init__(self, database: Database, schedules: Schedules) -> None:
        self._database = database
        self._schedules = schedules
        table = f"{database.schema}.timed_jobs"
        self._due = text(
            f"select tenant_id, name from {table} where name = any(:names) and next_run_at <= :now"  # noqa: S608
            " order by next_run_at limit 1 for update skip locked"
        )
        self._move = text(
            f"update {table} set next_run_at = :next, last_run_at = :now"  # noqa: S608 - our own name
            " where tenant_id = :tenant_id and name = :name"
        )

    async def run_next(self) -> bool:
        """Runs the schedule that is due longest; False when none is. A failing one is tried again in a minute."""
        if not self._schedules:
            return False
        failed: Exception | None = None
        async with self._database.write(_PLATFORM) as tx:
            found = await tx.execute(self._due, {"names": list(self._schedules), "now": tx.now})
            row = found.mappings().one_or_none()
            if row is None:
                return False
            try:
                async with tx.session.begin_nested():
                    await self._run(tx, row["name"], Binding(row["tenant_id"], Scope.SYSTEM))
                wait = self._schedules[row["name"]].every
            except Exception as error:  # noqa: BLE001 - logged below, and tried again
                failed, wait = error, _RETRY
                tx.session.expunge_all()
                tx.pending_events.clear()
            await tx.rebind(_PLATFORM)
            await tx.execute(self._move, {**row, "now": tx.now, "next": tx.now + wait})
        if failed:
            _log.error("schedule_failed", schedule=row["name"], tenant_id=row["tenant_id"], error=failed)
        return True

    async def _run(self, tx: TenantTransaction, name: str, binding: Binding) -> None:
        await tx.rebind(binding)
        await self._schedules[name].operation(tx)
        await tx.flush()
