from uuid import UUID

from libs.events.contracts.identity import TenantCreated, TenantUpdated
from libs.kernel import new_id
from tests.academic.world import REGISTER, World


async def test_the_register_makes_the_school_and_its_tenant(world: World):
    fresh = world.of(UUID(int=new_id().int))
    await fresh.register(TenantCreated, 7)
    (row,), (tenant,) = fresh.rows("schools"), fresh.rows("tenants")
    assert row["id"] == tenant["id"] == fresh.tenant_id
    assert {name: row[name] for name in REGISTER} == {name: tenant[name] for name in REGISTER} == REGISTER
    assert (tenant["slug"], tenant["status"], row["is_active"]) == ("one", "ACTIVE", True)
    assert [event["name"] for event in fresh.events("SchoolUpdated")] == ["SMA Negeri 1"]


async def test_older_and_repeated_news_change_nothing(world: World, other_world: World):
    await world.register(TenantUpdated, 5, status="SUSPENDED")
    await world.register(TenantCreated, 4, name="Old name")
    await world.register(TenantUpdated, 5, name="Repeated")
    assert world.rows("schools")[0]["name"] == world.rows("tenants")[0]["name"] == "SMA Negeri 1"
    assert world.rows("tenants")[0]["status"] == "SUSPENDED"
    assert len(world.events("SchoolUpdated")) == 1
    assert other_world.rows("schools")[0]["name"] == "School other-school"
    assert other_world.events() == []


async def test_address_and_principal_are_told_as_they_stand(world: World):
    world.as_owner(
        "academic",
        "update academic.schools set address = 'Jl. Merdeka 1', principal_name = 'Ibu Kepala' where tenant_id = %s",
        (world.tenant_id,),
    )
    await world.register(TenantUpdated, 5)
    [event] = world.events("SchoolUpdated")
    assert (event["address"], event["principal_name"], event["is_active"]) == ("Jl. Merdeka 1", "Ibu Kepala", True)
