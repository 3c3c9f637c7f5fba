"""Schools: one by one, and a whole register at once."""

import asyncio

import pytest

from libs.auth import system_binding
from libs.kernel import PLATFORM_TENANT_ID, InvalidInput
from libs.testing import actor_of
from subgraphs.identity.tenant.operations.create_tenant import FirstAdmin, create_tenant, ensure_platform
from subgraphs.identity.tenant.operations.import_tenants import ImportedTenants, import_tenants
from subgraphs.identity.tenant.rules import SchoolLevel

PLATFORM = system_binding(PLATFORM_TENANT_ID)
ADMIN = actor_of("super_admin", PLATFORM_TENANT_ID)
HEADER = "npsn,name,level,ownership,district_code\n"
TWO = HEADER + "20306577,SD 3 KWADUNGAN,SD,NEGERI,3307070\n60706577,SMP 1 DENPASAR,SMP,SWASTA,5171010\n"


@pytest.fixture
def create(database, contacts, visitor):
    async def run(slug="gp", *, npsn=None, admin=None, level=SchoolLevel.SMA):
        async with database.write(PLATFORM) as tx:
            return await create_tenant(
                tx,
                actor=ADMIN,
                slug=slug,
                name="SMA Gabriel Pereira",
                npsn=npsn,
                level=level,
                timezone="Asia/Makassar",
                admin=admin,
                contacts=contacts,
                origin=visitor,
            )

    return run


@pytest.fixture
def load(database, visitor):
    async def run(text, *, dry_run=False):
        async with database.write(PLATFORM) as tx:
            return await import_tenants(tx, actor=ADMIN, register=text, dry_run=dry_run, origin=visitor)

    return run


def schools(as_owner):
    return as_owner("identity", "select * from identity.tenants where level is not null order by slug")


async def test_a_school_is_made_with_its_first_administrator(create, as_owner, events, audited):
    school = await create(admin=FirstAdmin("Ratna Sari", "ratna@gp.test", None))
    (row,) = schools(as_owner)
    assert (row["id"], row["status"], row["timezone"]) == (school, "ACTIVE", "Asia/Makassar")
    assert row["features"] == ["ATTENDANCE", "GRADING", "FINANCE", "ADMISSION"]
    created = events("TenantCreated")[-1]
    assert (created["tenant_id"], created["data"]["slug"]) == (school, "gp")
    (user,) = as_owner("identity", "select tenant_id, status from identity.users")
    assert (user["tenant_id"], user["status"]) == (school, "INVITED")
    assert [row["data"]["roles"] for row in events("UserInvited")] == [["school_admin"]]
    assert audited(school) == ["tenant.created", "user.created"]
    assert audited(PLATFORM_TENANT_ID)[-2:] == ["tenant.created", "user.created"]
    assert {"tenant_id": school, "name": "purge_accounts"} in as_owner(
        "identity", "select tenant_id, name from identity.timed_jobs"
    )


@pytest.mark.parametrize(
    ("second", "path"),
    [({"slug": "gp", "npsn": "20300002"}, "input.slug"), ({"slug": "ms", "npsn": "20300001"}, "input.npsn")],
)
async def test_slug_and_number_are_unique_on_the_platform(create, as_owner, second, path):
    await create("gp", npsn="20300001")
    with pytest.raises(InvalidInput) as invalid:
        await create(**second)
    assert [(fault.path, fault.code) for fault in invalid.value.faults] == [(path, "TAKEN")]
    assert len(schools(as_owner)) == 1


async def test_of_two_at_once_one_wins(create, as_owner):
    answers = await asyncio.gather(*(create() for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(answer, InvalidInput) for answer in answers) == 3
    assert len(schools(as_owner)) == 1


async def test_a_register_is_loaded_once(load, as_owner, events, audited):
    before = len(events("TenantCreated"))
    assert await load(TWO, dry_run=True) == ImportedTenants(created=2, updated=0, unchanged=0)
    assert schools(as_owner) == []
    assert await load(TWO) == ImportedTenants(created=2, updated=0, unchanged=0)
    first, second = schools(as_owner)
    assert (first["slug"], first["timezone"], first["ownership"]) == ("20306577", "Asia/Jakarta", "NEGERI")
    assert (second["slug"], second["timezone"], second["region"]) == ("60706577", "Asia/Makassar", "5171010")
    made = events("TenantCreated")[before:]
    assert {(row["tenant_id"], row["data"]["npsn"]) for row in made} == {
        (first["id"], "20306577"),
        (second["id"], "60706577"),
    }
    assert audited(first["id"]) == ["tenant.created"]
    assert await load(TWO) == ImportedTenants(created=0, updated=0, unchanged=2)
    assert len(events("TenantCreated")) == before + 2
    assert audited(PLATFORM_TENANT_ID).count("tenant.created") == 3


async def test_a_changed_entry_updates_its_school(load, as_owner, events, audited):
    await load(TWO)
    assert await load(TWO.replace("SD 3 KWADUNGAN", "SDN 3")) == ImportedTenants(created=0, updated=1, unchanged=1)
    first = schools(as_owner)[0]
    assert first["name"] == "SDN 3"
    (updated,) = events("TenantUpdated")
    assert (updated["tenant_id"], updated["data"]["name"]) == (first["id"], "SDN 3")
    assert audited(first["id"]) == ["tenant.created", "tenant.updated"]


async def test_a_fault_in_one_line_leaves_nothing(load, as_owner):
    with pytest.raises(InvalidInput) as invalid:
        await load(TWO + "123,X,SD,NEGERI,3307070\n")
    assert [fault.path for fault in invalid.value.faults] == ["input.file.text[4].npsn"]
    assert schools(as_owner) == []


async def test_a_taken_slug_is_told_by_its_line(create, load, as_owner):
    await create("60706577")
    with pytest.raises(InvalidInput) as invalid:
        await load(TWO)
    assert [(fault.path, fault.code) for fault in invalid.value.faults] == [("input.file.text[3].npsn", "TAKEN")]
    assert len(schools(as_owner)) == 1


async def test_a_school_that_was_there_keeps_slug_and_zone(create, load, as_owner):
    await create("gp", npsn="20306577")
    assert await load(TWO) == ImportedTenants(created=1, updated=1, unchanged=0)
    school = schools(as_owner)[1]
    assert (school["slug"], school["name"], school["timezone"]) == ("gp", "SD 3 KWADUNGAN", "Asia/Makassar")


async def test_two_registers_at_once_make_each_school_once(load, as_owner):
    answers = await asyncio.gather(load(TWO), load(TWO))
    assert sorted(answer.created for answer in answers) == [0, 2]
    assert len(schools(as_owner)) == 2


async def test_seven_hundred_and_eighty_one_schools_load_at_once(load, as_owner, events):
    lines = (f"{20_300_000 + number},SEKOLAH {number},SD,NEGERI,3307070\n" for number in range(781))
    assert (await load(HEADER + "".join(lines))).created == 781
    assert len(schools(as_owner)) == 781
    assert len({row["tenant_id"] for row in events("TenantCreated")}) == 781


async def test_the_platform_is_made_once(database, as_owner):
    async with database.write(PLATFORM) as tx:
        assert not await ensure_platform(tx)
    (row,) = as_owner("identity", "select * from identity.tenants")
    assert (row["id"], row["slug"], row["level"]) == (PLATFORM_TENANT_ID, "platform", None)
