"""The audit log: append-only, by school, and always with a partition to go to."""

import dataclasses

import psycopg
import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import ProgrammingError

from libs.auth import system_binding
from libs.kernel import Binding, Scope, new_id
from libs.testing import actor_of
from subgraphs.identity.audit.model import AuditLog
from subgraphs.identity.audit.operations import MONTHS_AHEAD, add_partitions
from subgraphs.identity.audit.queries import Deed, Doer, record


@pytest.fixture
async def written(database, visitor, school, other_school):
    """One entry in each of two schools; answers who did it in the first."""
    actor = actor_of("teacher", school)
    for tenant, doer in ((school, Doer.of(actor, visitor)), (other_school, Doer())):
        async with database.write(system_binding(tenant)) as tx:
            await record(tx, doer, Deed(action="user.created", resource_type="user", new_values={"name": "Siti"}))
    return actor


async def test_a_school_reads_its_own_log_alone(database, written, school, as_owner):
    async with database.read(system_binding(school)) as tx:
        (row,) = await tx.scalars(select(AuditLog))
        assert (row.user_id, row.ip_address, row.user_agent, row.status) == (
            written.user_id,
            "203.0.113.7",
            "test",
            "SUCCESS",
        )
        assert row.new_values == {"name": "Siti"}
    assert as_owner("identity", "select count(*) as n from identity.audit_logs where action = 'user.created'") == [
        {"n": 2}
    ]
    someone = Binding(school, Scope.OWN, user_id=new_id())
    async with database.read(someone) as tx:
        assert await tx.scalar(select(func.count()).select_from(AuditLog)) == 0


@pytest.mark.parametrize("change", [update(AuditLog).values(action="x"), delete(AuditLog)])
@pytest.mark.usefixtures("written")
async def test_nothing_is_changed_or_removed(database, school, change):
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with database.write(system_binding(school)) as tx:
            await tx.execute(change)


async def test_an_entry_goes_to_its_month_or_to_the_net_below(database, clock, school, as_owner):
    for year in (2026, 2100):
        clock.now = clock.now.replace(year=year, month=12, day=5)
        async with database.write(system_binding(school)) as tx:
            await record(tx, Doer(), Deed(action="user.read"))
    rows = as_owner(
        "identity",
        "select tableoid::regclass::text as place from identity.audit_logs where action = 'user.read' order by day",
    )
    assert [row["place"] for row in rows] == ["identity.audit_logs_2026_12", "identity.audit_logs_default"]


def test_partitions_are_made_ahead_once(settings, clock):
    name = settings.database_url.rpartition("/")[2]
    admin = settings.database_admin_url.get_secret_value()
    today = clock.now.date().replace(year=2031)
    with psycopg.connect(admin, dbname=name) as connection:
        assert len(add_partitions(connection, today)) == MONTHS_AHEAD + 1
        assert add_partitions(connection, today) == []


async def test_a_platform_deed_at_home_is_written_once(database, visitor, as_owner):
    admin = dataclasses.replace(actor_of("super_admin", new_id()), user_id=new_id())
    async with database.write(system_binding(admin.home_tenant_id)) as tx:
        await record(tx, Doer.of(admin, visitor), Deed(action="tenant.updated"))
    rows = as_owner("identity", "select tenant_id from identity.audit_logs where action = 'tenant.updated'")
    assert rows == [{"tenant_id": admin.home_tenant_id}]
