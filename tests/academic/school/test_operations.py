from libs.kernel import PLATFORM_TENANT_ID
from subgraphs.academic.school.operations import keep_school
from tests.academic.world import World

REGISTER = {"name": "SMA Negeri 1", "npsn": "20306577", "level": "SMA", "timezone": "Asia/Makassar"}


async def test_the_register_makes_the_school_and_older_news_change_nothing(world: World, other_world: World):
    async with world.write() as tx:
        await keep_school(tx, **REGISTER, sequence=5)
        await keep_school(tx, **REGISTER | {"name": "Old name"}, sequence=4)
        await keep_school(tx, **REGISTER, sequence=5)
    (row,) = world.rows("schools")
    assert row["id"] == world.tenant_id
    assert {name: row[name] for name in REGISTER} == REGISTER
    assert [event["name"] for event in world.events("SchoolUpdated")] == ["SMA Negeri 1"]
    assert other_world.rows("schools")[0]["name"] == "School other-school"
    assert other_world.events() == []


async def test_the_platform_is_no_school(world: World):
    platform = world.of(PLATFORM_TENANT_ID)
    async with platform.write() as tx:
        await keep_school(tx, name="Platform", npsn=None, level=None, timezone="Asia/Jakarta", sequence=1)
    assert platform.rows("schools") == []
    assert platform.events() == []
