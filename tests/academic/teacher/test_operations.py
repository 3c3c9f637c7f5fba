import pytest

from libs.crypto import KeyRing
from libs.events.contracts.academic import TeacherUpdated
from libs.events.sealing import unseal_event
from libs.kernel import Conflict, InvalidInput, NotFound
from libs.settings import Settings
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


async def test_who_leaves_and_comes_back_is_told_of(world: World, other_world: World, settings: Settings):
    teacher = await world.teacher(email="budi@example.test")
    await other_world.teacher(email="budi@example.test")
    await world.change_teacher(teacher.id, status="INACTIVE")
    await world.change_teacher(teacher.id, status="ACTIVE", full_name="Budi S.", nip=NIP)
    ring = KeyRing.from_settings(settings)
    told = [unseal_event(ring, world.tenant_id, TeacherUpdated, data) for data in world.events("TeacherUpdated")]
    assert [(each.teacher_id, each.status, dict(each.personal)) for each in told] == [
        (teacher.id, "INACTIVE", {"name": "Budi Santoso", "email": "budi@example.test"}),
        (teacher.id, "ACTIVE", {"name": "Budi S.", "email": "budi@example.test"}),
    ]
    (row,) = world.rows("teachers")
    assert (row["full_name"], row["nip"], row["status"], row["version"]) == ("Budi S.", NIP, "ACTIVE", 3)
    assert (other_world.rows("teachers")[0]["version"], other_world.events("TeacherUpdated")) == (1, [])


async def test_what_is_so_already_is_no_change(world: World):
    teacher = await world.teacher(nip=NIP)
    for changes in ({}, {"status": "ACTIVE"}, {"nip": NIP, "full_name": "Budi Santoso"}):
        await world.change_teacher(teacher.id, **changes)
    assert (world.rows("teachers")[0]["version"], world.events("TeacherUpdated")) == (1, [])


async def test_what_a_change_can_be_refused_for(world: World, other_world: World):
    teacher = await world.teacher()
    await world.teacher("Another", nip=NIP)
    for nip, code in ((NIP, "TAKEN"), ("123", "FORMAT")):
        with pytest.raises(InvalidInput) as refused:
            await world.change_teacher(teacher.id, nip=nip)
        assert [(fault.path, fault.code) for fault in refused.value.faults] == [("input.nip", code)]
    with pytest.raises(Conflict) as stale:
        await world.change_teacher(teacher.id, expected_version=2, status="INACTIVE")
    assert stale.value.data == {"current_version": 1}
    with pytest.raises(NotFound):
        await other_world.change_teacher(teacher.id, status="INACTIVE")
    assert {row["status"] for row in world.rows("teachers")} == {"ACTIVE"}
    assert world.events("TeacherUpdated") == []
