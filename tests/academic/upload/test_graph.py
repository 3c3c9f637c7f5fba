"""Pupils from an uploaded file."""

import time
from pathlib import Path
from urllib.request import url2pathname
from uuid import uuid4

import pytest

from libs.settings import Settings
from tests.academic.graph import Scene
from tests.academic.student.test_graph import run_jobs
from tests.academic.world import HEADER
from tests.libs.files.sending import Sender, assert_addresses_are_kept
from tests.libs.files.workbooks import workbook

ROW = "4,0012345678,Dewi,P,2010-04-01,X-2,Ibu Dewi,ibu,dewi@example.test,081234567890"
JOB = "... on ImportStudentsSuccess { job { id } }"


def sender(scene: Scene) -> Sender:
    return Sender(scene.graph, "academic", scene.actors["school_admin"])


async def load(scene: Scene, settings: Settings, *, dry_run: bool = False, **file: str) -> dict:
    """What became of an import, as its job tells."""
    year = str(scene.year.id)
    answer = await scene.change("importStudents", JOB, file=file, academicYearId=year, dryRun=dry_run)
    if "job" not in answer:
        return answer
    await run_jobs(scene, settings)
    query = "query($id: ID!) { academicJob(id: $id) { status errors { path code } } }"
    return (await scene.ask(query, "school_admin", id=answer["job"]["id"])).ok()["academicJob"]


def as_workbook(*lines: str) -> bytes:
    return workbook([line.split(",") for line in (HEADER, *lines)])


async def test_an_address_takes_what_it_was_given_for(here: Scene, there: Scene):
    for role in ("principal", "teacher", "parent", "student"):
        await assert_addresses_are_kept(sender(here), here.actors[role], there.world.tenant_id)


@pytest.mark.parametrize("kind", ["CSV", "XLSX"])
async def test_an_uploaded_file_is_imported_like_its_text(here: Scene, there: Scene, settings: Settings, kind: str):
    def content(*lines: str) -> bytes:
        return as_workbook(*lines) if kind == "XLSX" else "\ufeff".encode() + "\r\n".join((HEADER, *lines)).encode()

    wrong = content(ROW, ROW.replace("0012345678", "12"))
    told = await load(here, settings, text="\n".join((HEADER, ROW, ROW.replace("0012345678", "12"))))
    upload = await sender(here).upload(wrong, kind)
    assert (await load(here, settings, dry_run=True, fileId=upload))["errors"] == told["errors"]
    assert await load(here, settings, fileId=upload) == told
    assert (told["status"], told["errors"][0]["path"]) == ("FAILED", "input.file.text[3].nisn")
    upload = await sender(here).upload(content(ROW), kind)
    assert await load(here, settings, fileId=upload) == {"status": "SUCCEEDED", "errors": []}
    (dewi,) = [row for row in here.world.rows("students") if row["nis"] == "4"]
    assert (dewi["nisn"], dewi["full_name"], len(there.world.rows("students"))) == ("0012345678", "Dewi", 3)
    assert (await load(here, settings, fileId=upload))["code"] == "NOT_FOUND"


async def test_a_file_that_is_not_there_is_not_found(here: Scene, there: Scene, settings: Settings):
    foreign = await sender(there).upload(as_workbook(ROW), "XLSX")
    announced = (await sender(here).request(size=10))["fileId"]
    for unknown in (foreign, announced, str(uuid4())):
        assert (await load(here, settings, fileId=unknown))["code"] == "NOT_FOUND"
    both = await load(here, settings, text=HEADER, fileId=foreign)
    assert [(each["path"], each["code"]) for each in both["fields"]] == [("input.file.fileId", "ONE_OF")]
    assert len(here.world.rows("students")) == 3


async def test_what_is_no_workbook_is_refused_before_it_is_kept(here: Scene, as_owner):
    told = await sender(here).request(size=2000, kind="XLSX")
    for content in (HEADER.encode(), as_workbook(ROW)[:1000], b"PK\x03\x04"):
        assert (await sender(here).put(told["uploadUrl"], content)).status_code == 415
    assert [row["status"] for row in as_owner("academic", "select status from academic.files")] == ["REQUESTED"]


def block(settings: Settings) -> None:
    """A file stands where the folder should be."""
    Path(url2pathname(settings.files_url.removeprefix("file://"))).write_text("")


async def test_a_storage_that_takes_nothing_is_told_of(here: Scene, settings: Settings, as_owner):
    block(settings)
    told = await sender(here).request(size=len(HEADER))
    assert (await sender(here).put(told["uploadUrl"], HEADER.encode())).status_code == 503
    assert [row["status"] for row in as_owner("academic", "select status from academic.files")] == ["REQUESTED"]
    assert (await load(here, settings, fileId=told["fileId"]))["code"] == "NOT_FOUND"


async def test_the_same_request_is_answered_the_same(here: Scene, as_owner):
    key = {"idempotency-key": str(uuid4())}
    first, again = [await sender(here).request(size=10, **key) for _ in range(2)]
    assert first == again
    assert len(as_owner("academic", "select id from academic.files")) == 1


async def test_a_school_without_room_is_told_so(here: Scene, as_owner):
    quotas = "update academic.tenants set quotas = '{\"storage_gb\": 0}' where id = %s"
    as_owner("academic", quotas, (here.world.tenant_id,))
    full = {"__typename": "QuotaExceeded", "code": "QUOTA_EXCEEDED", "quota": "STORAGE", "used": 0, "allowed": 0}
    assert await sender(here).request(size=10) == full


@pytest.mark.deep
async def test_ten_thousand_pupils_from_a_workbook(here: Scene, settings: Settings):
    lines = [f"9{n:05},,Siti Rahma {n},P,2010-04-01,,Ibu {n},ibu,ibu{n}@example.test,0812{n:08}" for n in range(10_000)]
    content = as_workbook(*lines)
    began = time.perf_counter()
    upload = await sender(here).upload(content, "XLSX")
    assert await load(here, settings, fileId=upload) == {"status": "SUCCEEDED", "errors": []}
    assert len(here.world.rows("students")) == 10_003
    assert time.perf_counter() - began < 120
