import pytest

from libs.kernel import InvalidInput
from tests.academic.world import World

NIP = "198501012010011001"


async def test_a_teachers_address_is_readable_nowhere_but_by_its_key(world: World, other_world: World):
    teacher = await world.teacher("Budi Santoso", nip=NIP, email="Budi@example.test")
    (row,) = world.rows("teachers")
    assert (row["full_name"], row["nip"], row["status"]) == ("Budi Santoso", NIP, "ACTIVE")
    (event,) = world.events("TeacherCreated")
    assert "budi" not in str(row["email"]).lower() + str(event).lower()
    assert set(event["personal"]["values"]) == {"name", "email"}
    async with world.write() as tx:
        assert await world.contacts.read(tx, "teachers", [teacher]) == {teacher.id: {"email": "Budi@example.test"}}
    assert other_world.rows("teachers") == []


@pytest.mark.parametrize(
    ("second", "path"), [({"nip": NIP}, "input.nip"), ({"email": "BUDI@example.test"}, "input.email")]
)
async def test_nip_and_address_belong_to_one_teacher_of_a_school(
    world: World, other_world: World, second: dict[str, str], path: str
):
    await world.teacher(nip=NIP, email="budi@example.test")
    with pytest.raises(InvalidInput) as refused:
        await world.teacher("Another", **second)
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [(path, "TAKEN")]
    await other_world.teacher(nip=NIP, email="budi@example.test")
    await world.teacher("Without either")
    assert len(world.rows("teachers")) == 2
    assert len(world.events("TeacherCreated")) == 2


async def test_a_wrong_nip_writes_nothing(world: World):
    with pytest.raises(InvalidInput):
        await world.teacher(nip="123")
    assert world.rows("teachers") == world.events() == []
