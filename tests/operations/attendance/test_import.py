import asyncio
from datetime import timedelta
from functools import partial

import pytest

from libs.crypto import KeyRing, Vault
from libs.jobs import Job, JobQueue, JobRunner
from libs.kernel import InvalidInput, new_id, utc_now
from subgraphs.operations.app import open_uploads
from subgraphs.operations.attendance.imports import parse_attendance
from subgraphs.operations.attendance.operations import (
    IMPORT_ATTENDANCE,
    Recorded,
    carry_out_import,
    import_attendance,
    request_import,
)
from subgraphs.operations.model import SCHEMA, person_keys
from tests.operations.attendance.test_operations import scene, statuses
from tests.operations.world import TODAY, World, semester, year_created

SUNDAY = 7

YESTERDAY = TODAY - timedelta(days=1)
FILE = f"nis,date,status,notes\n0000,{YESTERDAY},ABSENT,\n0001,{YESTERDAY},present,came early\n0000,{TODAY},LATE,\n"


async def load(world: World, text: str) -> Recorded:
    async with world.write() as tx:
        return await import_attendance(tx, by=new_id(), content=text, today=world.today)


async def faults(world: World, text: str) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as refused:
        await load(world, text)
    return [(fault.path.removeprefix("input.file.text"), fault.code) for fault in refused.value.faults]


def test_what_the_file_alone_can_tell_is_told_at_once():
    text = "nis,date,status\n,2026-09-01,PRESENT\n1,01.09.2026,PRESENT\n1,2026-09-01,GONE\n2,2026-09-01,SICK\n2,2026-09-01,SICK\n"
    rows, found = parse_attendance(text)
    assert [row.nis for row in rows] == ["2", "2"]
    assert [(fault.path.removeprefix("input.file.text"), fault.code) for fault in found] == [
        ("[2].nis", "FORMAT"),
        ("[3].date", "FORMAT"),
        ("[4].status", "FORMAT"),
        ("[6].date", "DUPLICATE"),
    ]
    assert [fault.code for fault in parse_attendance("nis,date,extra\n")[1]] == ["MISSING_COLUMN", "UNKNOWN_COLUMN"]
    assert [fault.code for fault in parse_attendance("nis,date,status,nis\n")[1]] == ["DUPLICATE"]
    assert [fault.code for fault in parse_attendance("")[1]] == ["MISSING_COLUMN"] * 3


def test_a_fault_is_told_by_the_line_people_see():
    rows, found = parse_attendance(
        '\ufeff\r\nnis;date;status\r\n\r\n1;2026-09-01;"SICK"\r\n;;\r\n2;2026-09-01;GONE\r\n'
    )
    assert [(row.line, row.nis) for row in rows] == [(4, "1")]
    assert [fault.path for fault in found] == ["input.file.text[6].status"]


async def test_a_file_is_loaded_once_and_tells_nobody_of_the_past(world: World, other_world: World):
    await scene(world)
    assert await load(world, FILE) == Recorded(recorded=3, updated=0, unchanged=0)
    assert await load(world, FILE) == Recorded(recorded=0, updated=0, unchanged=3)
    assert sorted(statuses(world)) == ["ABSENT", "LATE", "PRESENT"]
    assert {row["source"] for row in world.rows("student_attendance")} == {"OFFICE"}
    assert [(each["date"], each["status"]) for each in world.events("AbsenceNotified")] == [(str(TODAY), "LATE")]
    assert statuses(other_world) == []


async def follow(world: World, text: str) -> Job:
    """Asks for an import, lets the worker do it, and answers what became of it."""
    vault = Vault(KeyRing.from_settings(world.settings), person_keys)
    queue, uploads = JobQueue(SCHEMA, vault), open_uploads(world.settings, vault)
    async with world.write() as tx:
        job_id = await request_import(tx, queue=queue, uploads=uploads, requested_by=new_id(), text=text, file_id=None)
    runner = JobRunner(world.database, queue, {IMPORT_ATTENDANCE: partial(carry_out_import, uploads=uploads)})
    while await runner.run_next(asyncio.Event()):
        pass
    async with world.write() as tx:
        job = await queue.find(tx, job_id)
    assert job is not None
    return job


async def test_the_worker_carries_an_import_out_or_tells_what_is_wrong(world: World):
    term = semester(new_id(), 1, (utc_now().date() - timedelta(days=60), utc_now().date() + timedelta(days=60)))
    await world.receive(year_created(new_id(), (term,), name="Now"))
    await world.pupils(1, class_id=await world.class_(), days=(term.start_date, None))
    # The worker's clock is the real one; no Sunday, and not today, of which families are told.
    day = next(day for ago in (2, 3) if (day := utc_now().date() - timedelta(days=ago)).isoweekday() != SUNDAY)
    good, bad = f"nis,date,status\n0000,{day},SICK\n", f"nis,date,status\n0000,{day},LATE\n9999,{day},SICK\n"
    done = await follow(world, good)
    assert (done.status, list(done.errors)) == ("SUCCEEDED", [])
    failed = await follow(world, bad)
    assert (failed.status, [each.path for each in failed.errors]) == ("FAILED", ["input.file.text[3].nis"])
    assert statuses(world) == ["SICK"]
    assert world.events("AbsenceNotified") == []


async def test_one_wrong_row_keeps_the_whole_file_out(world: World):
    await scene(world)
    sunday, tomorrow = TODAY - timedelta(days=2), TODAY + timedelta(days=1)
    bad = f"9999,{YESTERDAY},SICK,\n0000,{sunday},SICK,\n0001,{tomorrow},SICK,\n0001,2026-06-01,SICK,\n"
    assert await faults(world, FILE + bad) == [
        ("[5].nis", "NOT_FOUND"),
        ("[6].date", "HOLIDAY"),
        ("[7].date", "FUTURE"),
        ("[8].date", "OUTSIDE_SEMESTER"),
    ]
    assert statuses(world) == []
