import time

import pytest

from libs.crypto import KeyRing
from libs.events.contracts.academic import StudentCreated, StudentUpdated
from libs.events.sealing import unseal_event
from libs.kernel import NotFound, Scope
from libs.settings import Settings
from subgraphs.academic.student.operations import tell_students
from tests.academic.world import HEADER, World

SITI = "100,0012345678,Siti Aminah,P,2010-02-03,X-1,Ahmad,FATHER,ahmad@example.test,08123456789"
TABLES = ("students", "student_names", "guardians", "student_guardians", "enrollments", "data_keys", "outbox")


def _count(world: World) -> dict[str, int]:
    statement = "select count(*) as n from academic.{} where tenant_id = %s"
    return {table: world.as_owner("academic", statement.format(table), (world.tenant_id,))[0]["n"] for table in TABLES}


def _told(faults: list) -> list[tuple[str, str]]:
    return [(fault.path, fault.code) for fault in faults]


async def test_a_row_makes_pupil_guardian_and_seat(world: World, other_world: World, settings: Settings):
    year = await world.year()
    class_ = await world.class_(year)
    assert await world.import_(year, SITI + ",siti@example.test", header=HEADER + ",email") == []
    (student,), (guardian,), (link,) = (world.rows(name) for name in ("students", "guardians", "student_guardians"))
    assert (student["nis"], student["nisn"], student["full_name"]) == ("100", "0012345678", "Siti Aminah")
    assert (link["relation"], link["is_primary"]) == ("FATHER", True)
    assert sorted(row["token"] for row in world.rows("student_names")) == ["aminah", "siti"]
    (seat,) = world.rows("enrollments")
    assert (seat["class_id"], seat["student_id"], seat["valid_from"]) == (class_.id, student["id"], year.start_date)
    assert world.rows("classes")[0]["enrolled_count"] == 1
    (data,) = world.events("StudentCreated")
    event = unseal_event(KeyRing.from_settings(settings), world.tenant_id, StudentCreated, data)
    assert event.personal == {"name": "Siti Aminah", "birth_date": "2010-02-03", "email": "siti@example.test"}
    (contact,) = event.guardians
    assert contact.guardian_id == guardian["id"]
    assert contact.personal == {"name": "Ahmad", "email": "ahmad@example.test", "phone": "+628123456789"}
    assert len(world.events("GuardianLinked")) == len(world.events("StudentEnrolled")) == 1
    assert set(_count(other_world).values()) == {0}


async def test_no_address_and_no_name_of_a_person_lies_open_in_events(world: World):
    year = await world.year()
    await world.class_(year)
    await world.import_(year, SITI)
    guardian = world.rows("guardians")[0]
    written = f"{world.events()} {guardian['email']} {guardian['phone']}"
    for secret in ("ahmad@example.test", "8123456789", "Siti", "Ahmad", "2010-02-03"):
        assert secret not in written


async def test_importing_again_changes_nothing_and_another_year_enrolls_there_as_well(world: World):
    year = await world.year()
    await world.class_(year)
    lines = (SITI, "101,,Budi,L,,X-1,Ibu Budi,ibu,,", "102,,Without class,L,,,,,,")
    assert await world.import_(year, *lines) == []
    before = _count(world)
    assert await world.import_(year, *lines) == []
    assert _count(world) == before
    earlier = await world.year("2025/2026", dates=[day.replace(year=day.year - 1) for day in (year.start_date, year.end_date)] + [year.start_date.replace(year=2026, month=1)])  # fmt: skip
    await world.class_(earlier, "X-1")
    assert await world.import_(earlier, *lines) == []
    assert {name: count - before[name] for name, count in _count(world).items() if count != before[name]} == {
        "enrollments": 2,
        "outbox": 4,  # the year, its class, two enrollments
    }


async def test_siblings_share_a_guardian_with_the_same_address_or_phone(world: World):
    year = await world.year()
    faults = await world.import_(
        year,
        "1,,A,L,,,Ahmad,FATHER,ahmad@example.test,0811111111",
        "2,,B,P,,,Bapak Ahmad,FATHER,AHMAD@example.test,",
        "3,,C,P,,,Ahmad,GUARDIAN,,+62 811-1111-11",
        "4,,D,P,,,Ahmad,FATHER,other@example.test,",
    )
    assert faults == []
    assert await world.import_(year, "5,,E,L,,,A.,FATHER,ahmad@example.test,") == []
    assert len(world.rows("guardians")) == 2
    links = world.rows("student_guardians")
    assert len(links) == 5
    assert len({link["guardian_id"] for link in links}) == 2


async def test_a_second_guardian_is_added_and_told(world: World):
    year = await world.year()
    await world.import_(year, "1,,A,L,,,Ahmad,FATHER,,0811111111")
    assert await world.import_(year, "1,,A,L,,,Aisyah,MOTHER,,0822222222") == []
    assert [(row["relation"], row["is_primary"]) for row in world.rows("student_guardians")] == [
        ("FATHER", True),
        ("MOTHER", False),
    ]
    (event,) = world.events("StudentUpdated")
    assert [part["relation"] for part in event["guardians"]] == ["FATHER", "MOTHER"]


async def test_all_rows_or_none_and_every_fault_by_line(world: World):
    year = await world.year()
    await world.class_(year, seats=1)
    await world.class_(year, "X-2")
    await world.import_(year, "1,0000000001,A,L,,X-1,,,,")
    before = _count(world)
    faults = await world.import_(
        year,
        "2,,B,L,,X-2,,,,",
        "3,,C,L,,X-9,,,,",
        "4,,D,L,,X-1,,,,",
        "5,0000000001,E,L,,,,,,",
        "1,,A,L,,X-2,,,,",
        "6,12,F,L,,,,,,",
    )
    assert _told(faults) == [
        ("input.file.text[3].class", "NOT_FOUND"),
        ("input.file.text[4].class", "CLASS_FULL"),
        ("input.file.text[5].nisn", "TAKEN"),
        ("input.file.text[6].class", "ALREADY_ENROLLED"),
        ("input.file.text[7].nisn", "FORMAT"),
    ]
    assert _told(await world.import_(year, "1,0000000009,Another,L,,,,,,")) == [("input.file.text[2].nis", "TAKEN")]
    assert _count(world) == before
    assert [row["enrolled_count"] for row in world.rows("classes")] == [1, 0]


async def test_capacity_holds_within_one_file(world: World):
    year = await world.year()
    await world.class_(year, seats=2)
    faults = await world.import_(year, *(f"{n},,P,L,,X-1,,,," for n in range(4)))
    assert _told(faults) == [("input.file.text[4].class", "CLASS_FULL"), ("input.file.text[5].class", "CLASS_FULL")]


async def test_a_dry_run_writes_nothing(world: World):
    year = await world.year()
    await world.class_(year)
    before = _count(world)
    assert await world.import_(year, SITI, dry_run=True) == []
    assert _told(await world.import_(year, SITI.replace("X-1", "X-9"), dry_run=True)) == [
        ("input.file.text[2].class", "NOT_FOUND")
    ]
    assert _count(world) == before


async def test_another_schools_year_pupils_and_guardians_are_no_matter(world: World, other_world: World):
    year, foreign = await world.year(), await other_world.year()
    for school, its_year in ((world, year), (other_world, foreign)):
        await school.class_(its_year)
        assert await school.import_(its_year, SITI) == []
    assert world.rows("guardians")[0]["id"] != other_world.rows("guardians")[0]["id"]
    assert world.rows("guardians")[0]["email_blind"] != other_world.rows("guardians")[0]["email_blind"]
    with pytest.raises(NotFound):
        await world.import_(foreign, SITI)


async def test_a_snapshot_tells_every_pupil_again(world: World, settings: Settings):
    year = await world.year()
    await world.students(year, 3)
    async with world.write(Scope.SYSTEM) as tx:
        events = [event async for event in tell_students(tx, contacts=world.contacts)]
    assert sorted(event.nis for event in events) == ["1", "2", "3"]
    assert {type(event) for event in events} == {StudentUpdated}
    assert {event.personal["name"] for event in events} == {"Pupil 1", "Pupil 2", "Pupil 3"}


async def test_five_thousand_pupils(world: World, record_property):
    year = await world.year()
    for n in range(125):
        await world.class_(year, f"X-{n}")
    lines = [
        f"{n},{n:010d},Pupil {n} of many,{'LP'[n % 2]},2010-01-01,X-{n // 40},Guardian {n},ibu,g{n}@example.test,0812{n:07d}"
        for n in range(5000)
    ]
    started = time.perf_counter()
    assert await world.import_(year, *lines) == []
    record_property("seconds", time.perf_counter() - started)
    counts = _count(world)
    assert (counts["students"], counts["guardians"], counts["enrollments"]) == (5000, 5000, 5000)
    assert {row["enrolled_count"] for row in world.rows("classes")} == {40}
