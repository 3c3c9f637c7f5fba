from libs.events.replay import snapshot
from libs.kernel import new_id
from subgraphs.academic.consumers import snapshots
from tests.academic.world import World


async def test_every_aggregate_tells_its_state_again_to_its_own_school(world: World, other_world: World):
    year = await world.year()
    class_ = await world.class_(year)
    await world.subject()
    await world.teacher(email="guru@example.test")
    await world.students(year, 2, class_name=class_.name)
    await other_world.year()
    before, other_before = len(world.events()), len(other_world.events())
    assert await snapshot(world.database, snapshots(world.contacts), [world.tenant_id, new_id()]) == 7
    told = world.events()[before:]
    assert [event["name"] for event in told[:2]] == ["X-1", "Subject MAT"]
    assert set(told[2]["personal"]["values"]) == {"name", "email"}
    assert [event["nis"] for event in told[3:5]] == ["1", "2"]
    assert {event["class_id"] for event in told[5:]} == {str(class_.id)}
    assert len(other_world.events()) == other_before
