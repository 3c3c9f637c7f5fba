"""Loading accounts as long work: asked for in the graph, done by the worker."""

import asyncio
import dataclasses
import time

import pytest

from libs.jobs import JobRunner
from libs.kernel import new_id, utc_now
from libs.testing import actor_of
from subgraphs.identity.app import open_queue, open_uploads
from subgraphs.identity.jobs import jobs

HEADER = "name,email,phone,roles,language"
ROWS = f"{HEADER}\nSiti Rahma,siti@x.test,081234567890,teacher,id\nBudi Santoso,Budi@x.test,,parent|student,en\n"
IMPORT = """mutation($input: ImportUsersInput!) { importUsers(input: $input) { __typename
  ... on ImportUsersSuccess { job { id kind status } }
  ... on UserError { code } ... on InvalidInput { fields { path code } } } }"""
JOB = "query($id: ID!) { identityJob(id: $id) { status progress { done total } errors { path code message } } }"


@pytest.fixture
def admin(school):
    return actor_of("school_admin", school)


@pytest.fixture
def load(*, graph, database, contacts, settings, admin, clock):
    """`await load(text)`: the job as it ended."""

    async def run(text, *, actor=admin, **given):
        asked = await graph(IMPORT, {"input": {"file": {"text": text}, **given}}, actor=actor)
        answer = asked.ok()["importUsers"]
        if "job" not in answer:
            return answer
        assert (answer["job"]["kind"], answer["job"]["status"]) == ("IMPORT_USERS", "QUEUED")
        runner = JobRunner(database, open_queue(settings), jobs(contacts, open_uploads(settings)))
        clock.now = utc_now()
        while await runner.run_next(asyncio.Event()):
            pass
        return (await graph(JOB, {"id": answer["job"]["id"]}, actor=actor)).ok()["identityJob"]

    return run


def accounts(as_owner):
    return as_owner("identity", "select tenant_id, name, status, staff, language from identity.users order by name")


async def test_everybody_in_a_file_is_invited_and_again_nobody(*, load, school, as_owner, events, invitations, audited):
    done = await load(ROWS)
    assert done == {"status": "SUCCEEDED", "progress": {"done": 2, "total": 2}, "errors": []}
    expected = [
        {"tenant_id": school, "name": "Budi Santoso", "status": "INVITED", "staff": False, "language": "en"},
        {"tenant_id": school, "name": "Siti Rahma", "status": "INVITED", "staff": True, "language": "id"},
    ]
    assert accounts(as_owner) == expected
    assert {invited.personal["email"] for invited in invitations()} == {"siti@x.test", "Budi@x.test"}
    assert sorted(audited(school)) == ["user.created", "user.created", "user.import_requested"]
    again = await load(ROWS.replace("siti@", "SITI@").replace("Siti Rahma", "Siti Lain"))
    assert again["status"] == "SUCCEEDED"
    assert accounts(as_owner) == expected
    assert len(events("UserCreated")) == len(events("UserInvited")) == 2


async def test_a_dry_run_tells_every_fault_and_writes_nothing(load, as_owner, events):
    wrong = ROWS + "Andi,SITI@x.test,,wizard,id\n,x,1,,fr\n"
    done = await load(wrong, dryRun=True, role="parent")
    assert done["status"] == "SUCCEEDED"
    assert [(error["path"], error["code"]) for error in done["errors"]] == [
        ("input.file.text[4].email", "DUPLICATE"),
        ("input.file.text[4].roles", "NOT_FOUND"),
        ("input.file.text[5].email", "INVALID_EMAIL"),
        ("input.file.text[5].language", "UNKNOWN_LANGUAGE"),
        ("input.file.text[5].name", "REQUIRED"),
        ("input.file.text[5].phone", "INVALID_PHONE"),
    ]
    assert "SITI@" not in str(done["errors"])
    assert (await load(ROWS, dryRun=True))["errors"] == []
    assert accounts(as_owner) == []
    assert events("UserCreated") == []


async def test_one_fault_and_nothing_is_written(load, as_owner):
    done = await load(ROWS + "Andi,andi@x.test,,wizard,id\n")
    assert (done["status"], [error["code"] for error in done["errors"]]) == ("FAILED", ["NOT_FOUND"])
    assert accounts(as_owner) == []


async def test_nobody_loads_people_who_may_do_more(load, admin, as_owner):
    few = dataclasses.replace(admin, permissions=frozenset({"user:import", "user:read"}))
    done = await load(ROWS, actor=few)
    assert (done["status"], {error["code"] for error in done["errors"]}) == ("FAILED", {"FORBIDDEN"})
    assert accounts(as_owner) == []


async def test_an_address_of_another_school_is_free_and_one_of_the_own_stays(
    *, load, add_user, school, other_school, as_owner
):
    await add_user(other_school, "teacher", email="siti@x.test")
    await add_user(school, "teacher", email="budi@x.test", name="Budi Lama")
    assert (await load(ROWS))["status"] == "SUCCEEDED"
    names = [(row["tenant_id"] == school, row["name"]) for row in accounts(as_owner)]
    assert sorted(names) == [(False, "Siti Rahma"), (True, "Budi Lama"), (True, "Siti Rahma")]


@pytest.mark.parametrize("role", ["principal", "teacher", "student", "parent", "finance_staff", "admission_staff"])
async def test_only_administrators_load_accounts_and_follow_that(load, graph, school, role):
    actor = actor_of(role, school)
    assert (await load(ROWS, actor=actor))["code"] == "FORBIDDEN"
    assert (await graph(JOB, {"id": new_id()}, actor=actor)).codes == ["FORBIDDEN"]


async def test_another_schools_job_and_no_file(load, graph, admin, other_school, as_owner):
    await load(ROWS, dryRun=True)
    (job,) = as_owner("identity", "select id from identity.jobs")
    theirs = actor_of("school_admin", other_school)
    assert (await graph(JOB, {"id": job["id"]}, actor=theirs)).ok() == {"identityJob": None}
    nothing = (await graph(IMPORT, {"input": {"file": {}}}, actor=admin)).ok()["importUsers"]
    assert nothing["code"] == "INVALID_INPUT"
    unknown = (await graph(IMPORT, {"input": {"file": {"fileId": str(new_id())}}}, actor=admin)).ok()["importUsers"]
    assert unknown["code"] == "NOT_FOUND"


@pytest.mark.deep
async def test_ten_thousand_people_in_one_go(load, as_owner, events):
    text = f"{HEADER}\n" + "".join(f"Orang Ke {n},orang{n}@x.test,08123{n:07},parent,id\n" for n in range(10_000))
    begun = time.perf_counter()
    assert (await load(text))["status"] == "SUCCEEDED"
    print(f"10,000 rows: {time.perf_counter() - begun:.1f} s")  # noqa: T201 - a figure for who runs it
    assert as_owner("identity", "select count(*) as n from identity.users") == [{"n": 10_000}]
    assert len(events("UserInvited")) == 10_000
