"""School registers from an uploaded file."""

import asyncio
from datetime import timedelta

import pytest

from libs.kernel import PLATFORM_TENANT_ID, new_id, utc_now
from libs.testing import GraphClient, actor_of
from subgraphs.identity.app import create_app
from tests.identity.tenant.test_graph import IMPORT, REGISTER
from tests.libs.files.sending import Sender, assert_addresses_are_kept
from tests.libs.files.workbooks import workbook

BOOK = workbook(line.split(";") for line in REGISTER.splitlines())


@pytest.fixture
def sender(graph) -> Sender:
    return Sender(graph, "identity", actor_of("super_admin", PLATFORM_TENANT_ID))


async def load(sender: Sender, *, dry_run: bool = False, **file: str) -> dict:
    given = {"input": {"file": file, "dryRun": dry_run}}
    return (await sender.graph(IMPORT, given, actor=sender.actor)).ok()["importTenants"]


async def test_an_address_takes_what_it_was_given_for(graph, sender, school, other_school):
    for role in ("teacher", "principal", "parent"):
        await assert_addresses_are_kept(sender, actor_of(role, school), school)
    admin = Sender(graph, "identity", actor_of("school_admin", school))
    await assert_addresses_are_kept(admin, actor_of("teacher", school), other_school)


@pytest.mark.parametrize(("content", "kind"), [(REGISTER.encode(), "CSV"), (BOOK, "XLSX")])
async def test_an_uploaded_register_is_loaded_like_its_text(sender, content: bytes, kind: str):
    upload = await sender.upload(content, kind)
    new = {"__typename": "ImportTenantsSuccess", "created": 1, "updated": 0, "unchanged": 0}
    assert await load(sender, dry_run=True, fileId=upload) == new
    assert await load(sender, fileId=upload) == new
    assert await load(sender, fileId=upload) == {"__typename": "NotFound", "code": "NOT_FOUND"}
    assert (await load(sender, text=REGISTER))["unchanged"] == 1


async def test_a_register_with_faults_is_not_taken(sender, as_owner):
    wrong = workbook([*(line.split(";") for line in REGISTER.splitlines()), ["1", "a\tb", "SD", "NEGERI", 3307070]])
    upload = await sender.upload(wrong, "XLSX")
    for _ in range(2):
        faults = (await load(sender, fileId=upload))["fields"]
        assert [(each["path"], each["code"]) for each in faults] == [
            ("input.file.text[3].npsn", "NPSN"),
            ("input.file.text[3].name", "FORMAT"),
        ]
    assert [row["status"] for row in as_owner("identity", "select status from identity.files")] == ["STORED"]


async def test_of_two_who_load_a_file_one_does(sender):
    upload = await sender.upload(BOOK, "XLSX")
    answers = await asyncio.gather(*(load(sender, fileId=upload) for _ in range(3)))
    kinds = sorted(answer["__typename"] for answer in answers)
    assert kinds == ["ImportTenantsSuccess", "NotFound", "NotFound"]


async def test_a_file_of_a_school_is_not_the_platforms(graph, sender, school):
    foreign = await Sender(graph, "identity", actor_of("school_admin", school)).upload(BOOK, "XLSX")
    for unknown in (foreign, str(new_id())):
        assert (await load(sender, fileId=unknown))["code"] == "NOT_FOUND"


async def test_an_address_runs_out(settings, sender):
    told = await sender.request(size=len(BOOK), kind="XLSX")
    later = create_app(settings, clock=lambda: utc_now() + timedelta(minutes=15))
    async with GraphClient(later, settings) as graph:
        answer = await Sender(graph, "identity", sender.actor).put(told["uploadUrl"], BOOK)
    assert answer.status_code == 403
