"""Attendance from an uploaded file."""

import asyncio
from functools import partial

import pytest

from libs.crypto import KeyRing, Vault
from libs.jobs import JobQueue, JobRunner
from libs.kernel import new_id, utc_now
from subgraphs.operations.app import open_uploads
from subgraphs.operations.attendance.operations import IMPORT_ATTENDANCE, carry_out_import
from subgraphs.operations.model import SCHEMA, person_keys
from tests.libs.files.sending import Sender, assert_addresses_are_kept
from tests.libs.files.workbooks import workbook
from tests.operations.attendance.conftest import here
from tests.operations.attendance.scene import Scene

__all__ = ["here"]
SUNDAY = 7
IMPORT = (
    "mutation($input: ImportAttendanceInput!) { importAttendance(input: $input) {"
    " ... on ImportAttendanceSuccess { job { id } } ... on UserError { code } } }"
)


def lines(scene: Scene) -> list[list[object]]:
    """Marks of a day on which there was school."""
    day = next(day for day in map(scene.day, (2, 3)) if day.isoweekday() != SUNDAY)
    return [["nis", "date", "status"], ["0000", day, "SICK"], ["0001", str(day), "present"]]


def sender(scene: Scene) -> Sender:
    return Sender(scene.graph, "operations", scene.actors["school_admin"])


async def load(scene: Scene, **file: str) -> dict:
    """What became of an import."""
    answer = (await scene.ask(IMPORT, "school_admin", input={"file": file})).ok()["importAttendance"]
    if "job" not in answer:
        return answer
    settings = scene.world.settings
    vault = Vault(KeyRing.from_settings(settings), person_keys)
    load_file = partial(carry_out_import, uploads=open_uploads(settings, vault))
    runner = JobRunner(scene.world.database, JobQueue(SCHEMA, vault), {IMPORT_ATTENDANCE: load_file})
    while await runner.run_next(asyncio.Event()):
        pass
    query = f'{{ operationsJob(id: "{answer["job"]["id"]}") {{ status errors {{ path code }} }} }}'
    return (await scene.ask(query, "school_admin")).ok()["operationsJob"]


async def test_an_address_takes_what_it_was_given_for(here: Scene, other_school):
    for role in ("teacher", "finance_staff", "parent"):
        await assert_addresses_are_kept(sender(here), here.actors[role], other_school)


@pytest.mark.parametrize("kind", ["CSV", "XLSX"])
async def test_an_uploaded_file_is_imported_like_its_text(here: Scene, kind: str):
    expected = {"status": "SUCCEEDED", "errors": []}
    text = "\n".join(",".join(map(str, line)) for line in lines(here))
    upload = await sender(here).upload(workbook(lines(here)) if kind == "XLSX" else text.encode(), kind)
    assert await load(here, fileId=upload) == expected
    assert (await load(here, fileId=upload)) == {"code": "NOT_FOUND"}
    assert await load(here, text=text) == expected


async def test_a_file_that_is_not_there_is_not_found(here: Scene):
    assert await load(here, fileId=str(new_id())) == {"code": "NOT_FOUND"}
    assert await load(here, fileId=(await sender(here).request(size=10))["fileId"]) == {"code": "NOT_FOUND"}


async def test_an_address_runs_out(here: Scene, as_owner):
    told = await sender(here).request(size=10)
    as_owner("operations", "update operations.files set expires_at = %s", (utc_now(),))
    assert (await sender(here).put(told["uploadUrl"], b"nis")).status_code == 410
