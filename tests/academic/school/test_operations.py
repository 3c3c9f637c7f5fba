from datetime import UTC, datetime
from uuid import UUID

from libs.events import EventMeta
from libs.events.contracts.identity import TenantCreated, TenantUpdated
from libs.kernel import Scope, new_id
from subgraphs.academic.school.operations import keep_school
from tests.academic.world import World

REGISTER = {"name": "SMA Negeri 1", "npsn": "20306577", "level": "SMA", "timezone": "Asia/Makassar"}


async def _tell(
    world: World, contract: type[TenantCreated] | type[TenantUpdated], sequence: int, **changes: str
) -> None:
    values = REGISTER | {"slug": "one", "status": "ACTIVE"} | changes
    meta = EventMeta(new_id(), sequence, datetime.now(UTC), world.tenant_id)
    async with world.write(Scope.SYSTEM) as tx:
        await keep_school(tx, contract(tenant_id=world.tenant_id, **values), meta)


async def test_the_register_makes_the_school_and_its_tenant(world: World):
    fresh = world.of(UUID(int=new_id().int))
    await _tell(fresh, TenantCreated, 7)
    (row,), (tenant,) = fresh.rows("schools"), fresh.rows("tenants")
    assert row["id"] == tenant["id"] == fresh.tenant_id
    assert {name: row[name] for name in REGISTER} == {name: tenant[name] for name in REGISTER} == REGISTER
    assert (tenant["slug"], tenant["status"], row["is_active"]) == ("one", "ACTIVE", True)
    assert [event["name"] for event in fresh.events("SchoolUpdated")] == ["SMA Negeri 1"]


async def test_older_and_repeated_news_change_nothing(world: World, other_world: World):
    await _tell(world, TenantUpdated, 5, status="SUSPENDED")
    await _tell(world, TenantCreated, 4, name="Old name")
    await _tell(world, TenantUpdated, 5, name="Repeated")
    assert world.rows("schools")[0]["name"] == world.rows("tenants")[0]["name"] == "SMA Negeri 1"
    assert world.rows("tenants")[0]["status"] == "SUSPENDED"
    assert len(world.events("SchoolUpdated")) == 1
    assert other_world.rows("schools")[0]["name"] == "School other-school"
    assert other_world.events() == []
