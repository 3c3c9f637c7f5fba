import asyncio

import pytest

from libs.crypto import KeyRing, Vault
from libs.jobs import JobQueue, JobRunner
from libs.settings import Settings
from subgraphs.academic.app import open_uploads
from subgraphs.academic.jobs import jobs
from subgraphs.academic.model import data_keys
from tests.academic.graph import Scene
from tests.academic.world import HEADER

NAMES = "{ students { totalCount nodes { fullName } } }"


async def _names(scene: Scene, actor: str, filter_: str = "") -> list[str]:
    arguments = f"(filter: {{{filter_}}})" if filter_ else ""
    answer = await scene.ask(f"{{ students{arguments} {{ totalCount nodes {{ fullName }} }} }}", actor)
    page = answer.ok()["students"]
    assert page["totalCount"] == len(page["nodes"])
    return [node["fullName"] for node in page["nodes"]]


@pytest.mark.parametrize(
    ("actor", "seen"),
    [
        ("principal", ["Ani Lestari", "Budi Santoso", "Citra Ayu"]),
        ("school_admin", ["Ani Lestari", "Budi Santoso", "Citra Ayu"]),
        ("finance_staff", ["Ani Lestari", "Budi Santoso", "Citra Ayu"]),
        ("teacher", ["Ani Lestari", "Budi Santoso"]),
        ("student", ["Ani Lestari"]),
        ("parent", ["Ani Lestari"]),
    ],
)
async def test_everybody_sees_the_pupils_they_are_to_see(here: Scene, there: Scene, actor: str, seen: list[str]):
    assert await _names(here, actor) == seen
    for nis, student_id in here.students.items():
        answer = await here.ask("query($id: ID!) { student(id: $id) { nis } }", actor, id=str(student_id))
        visible = {"1": "Ani Lestari", "2": "Budi Santoso", "3": "Citra Ayu"}[nis] in seen
        assert answer.ok()["student"] == ({"nis": nis} if visible else None)
    for foreign in there.students.values():
        answer = await here.ask("query($id: ID!) { student(id: $id) { nis } }", actor, id=str(foreign))
        assert answer.ok()["student"] is None


async def test_entities_answer_the_same_as_the_other_ways_in(here: Scene, there: Scene):
    keys = [*here.students.values(), *there.students.values()]
    query = "query($keys: [_Any!]!) { _entities(representations: $keys) { ... on Student { nis } } }"
    representations = [{"__typename": "Student", "id": str(key)} for key in keys]
    for actor, visible in (("principal", 3), ("teacher", 2), ("parent", 1)):
        answer = await here.graph(query, {"keys": representations}, actor=here.actors[actor])
        found = answer.ok()["_entities"]
        assert [each and each["nis"] for each in found] == [n if n <= str(visible) else None for n in "123"] + [
            None
        ] * 3


async def test_a_pupil_with_class_guardians_and_enrollments(here: Scene):
    query = """query($nis: String) { student(nis: $nis) {
        nisn gender birthDate status user { id } currentClass { name studentCount }
        guardians { name relation user { id } }
        enrollments { nodes { status class { name } student { nis } } } } }"""
    for actor in ("principal", "teacher", "student", "parent"):
        answer = await here.ask(query, actor, nis="1")
        assert answer.ok()["student"] == {
            "nisn": "0000000001",
            "gender": "FEMALE",
            "birthDate": "2010-01-01",
            "status": "ACTIVE",
            "user": {"id": str(here.actors["student"].user_id)},
            "currentClass": {"name": "X-1", "studentCount": 2},
            "guardians": [
                {"name": "Ibu Ani", "relation": "MOTHER", "user": {"id": str(here.actors["parent"].user_id)}}
            ],
            "enrollments": {"nodes": [{"status": "ACTIVE", "class": {"name": "X-1"}, "student": {"nis": "1"}}]},
        }


async def test_one_pupil_by_any_number(here: Scene):
    query = "query($nis: String, $nisn: String) { student(nis: $nis, nisn: $nisn) { fullName } }"
    assert (await here.ask(query, nisn="0000000001")).ok()["student"] == {"fullName": "Ani Lestari"}
    assert (await here.ask(query, nis="2", nisn="0000000001")).ok()["student"] is None
    assert (await here.ask(query)).ok()["student"] is None


@pytest.mark.parametrize(
    ("filter_", "names"),
    [
        ('search: "an"', ["Ani Lestari"]),
        ('search: "SANTOSO bu"', ["Budi Santoso"]),
        ('search: "estari"', []),
        ("gender: {eq: FEMALE}", ["Ani Lestari", "Citra Ayu"]),
        ("status: {ne: ACTIVE}", []),
        ('nis: {in: ["2", "3"]}', ["Budi Santoso", "Citra Ayu"]),
        ("nisn: {isNull: true}", ["Budi Santoso", "Citra Ayu"]),
        ('or: [{search: "cit"}, {nis: {eq: "1"}}]', ["Ani Lestari", "Citra Ayu"]),
        ('not: {birthDate: {gte: "2010-02-01"}}', ["Ani Lestari"]),
    ],
)
async def test_filters(here: Scene, filter_: str, names: list[str]):
    assert await _names(here, "principal", filter_) == names


async def test_pupils_of_a_class_by_filter_and_by_the_class(here: Scene):
    for class_, names in zip(here.classes, (["Ani Lestari", "Budi Santoso"], ["Citra Ayu"]), strict=True):
        assert await _names(here, "principal", f'classId: {{eq: "{class_.id}"}}') == names
        query = "query($id: ID!) { class(id: $id) { students { totalCount nodes { fullName } } } }"
        page = (await here.ask(query, id=str(class_.id))).ok()["class"]["students"]
        assert page == {"totalCount": len(names), "nodes": [{"fullName": name} for name in names]}


async def test_the_class_filter_compares_like_every_other(here: Scene):
    assert await here.world.import_(here.year, "4,,Dewi,P,,,,,,") == []
    first, second = (str(class_.id) for class_ in here.classes)
    ani, budi, citra, dewi = "Ani Lestari", "Budi Santoso", "Citra Ayu", "Dewi"
    for filter_, names in (
        (f'in: ["{first}", "{second}"]', [ani, budi, citra]),
        ("in: []", []),
        (f'ne: "{first}"', [citra, dewi]),
        ("isNull: true", [dewi]),
        ("isNull: false", [ani, budi, citra]),
        (f'ne: "{first}", isNull: false', [citra]),
        ("", [ani, budi, citra, dewi]),
    ):
        assert await _names(here, "principal", f"classId: {{{filter_}}}") == names


async def test_pages_forward_and_backward(here: Scene):
    query = """query($first: Int, $after: String, $last: Int, $before: String, $orderBy: [StudentOrder!]) {
        students(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy) {
            edges { cursor node { nis } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }"""

    async def page(**arguments) -> tuple[list[str], dict]:
        found = (await here.ask(query, **arguments)).ok()["students"]
        assert found["totalCount"] == 3
        return [edge["node"]["nis"] for edge in found["edges"]], found["pageInfo"]

    first, info = await page(first=2)
    assert (first, info["hasNextPage"]) == (["1", "2"], True)
    rest, after = await page(first=2, after=info["endCursor"])
    assert (rest, after["hasNextPage"]) == (["3"], False)
    back, before = await page(last=1, before=after["startCursor"])
    assert (back, before["hasPreviousPage"]) == (["2"], True)
    assert (await page(orderBy=["NIS_DESC"]))[0] == ["3", "2", "1"]
    refused = await here.ask(query, first=101)
    assert refused.codes == ["PAGE_TOO_LARGE"]


async def test_nobody_reads_without_an_account(here: Scene):
    assert (await here.graph(NAMES)).codes == ["UNAUTHENTICATED"]


FOLLOWED = "job { id kind status errors { path code message } progress { done total } }"


async def run_jobs(here: Scene, settings: Settings) -> None:
    vault = Vault(KeyRing.from_settings(settings), data_keys)
    uploads = open_uploads(settings, vault)
    runner = JobRunner(here.world.database, JobQueue("academic", vault), jobs(here.world.contacts, uploads))
    while await runner.run_next(asyncio.Event()):
        pass


async def _import(here: Scene, settings: Settings, *lines: str, dry_run: bool = False) -> dict:
    text = "\n".join((HEADER, *lines))
    answer = await here.change(
        "importStudents",
        f"... on ImportStudentsSuccess {{ {FOLLOWED} }}",
        file={"text": text},
        academicYearId=str(here.year.id),
        dryRun=dry_run,
    )
    assert answer["job"]["status"] == "QUEUED"
    assert answer["job"]["kind"] == "IMPORT_STUDENTS"
    await run_jobs(here, settings)
    query = "query($id: ID!) { academicJob(id: $id) { status errors { path code message } } }"
    return (await here.ask(query, "school_admin", id=answer["job"]["id"])).ok()["academicJob"]


async def test_an_import_is_followed_by_its_job(here: Scene, there: Scene, settings: Settings):
    assert await _import(here, settings, "4,,Dewi,P,,X-2,,,,") == {"status": "SUCCEEDED", "errors": []}
    assert await _names(here, "principal") == ["Ani Lestari", "Budi Santoso", "Citra Ayu", "Dewi"]
    assert len(there.world.rows("students")) == 3


async def test_a_dry_run_reports_and_a_real_run_fails_with_the_same_faults(here: Scene, settings: Settings):
    fault = {"path": "input.file.text[2].nisn", "code": "FORMAT", "message": "Isinya tidak dapat dibaca."}
    wrong = "4,12,Dewi,P,,X-2,,,,"
    assert await _import(here, settings, wrong, dry_run=True) == {"status": "SUCCEEDED", "errors": [fault]}
    assert await _import(here, settings, wrong) == {"status": "FAILED", "errors": [fault]}
    assert await _import(here, settings, "4,,Dewi,P,,X-2,,,,", dry_run=True) == {"status": "SUCCEEDED", "errors": []}
    assert len(here.world.rows("students")) == 3


async def test_who_may_not_import_is_told_so_and_sees_no_job(here: Scene, there: Scene, settings: Settings):
    values = {"file": {"text": HEADER}, "academicYearId": str(here.year.id)}
    for actor in ("principal", "teacher", "parent", "student"):
        assert (await here.change("importStudents", "", actor, **values))["code"] == "FORBIDDEN"
    values["academicYearId"] = str(there.year.id)
    assert (await here.change("importStudents", "", **values))["code"] == "NOT_FOUND"
    nothing = await here.change("importStudents", "", file={}, academicYearId=str(here.year.id))
    assert [(each["path"], each["code"]) for each in nothing["fields"]] == [("input.file.text", "REQUIRED")]
    job = (await here.change("importStudents", f"... on ImportStudentsSuccess {{ {FOLLOWED} }}", **values | {"academicYearId": str(here.year.id)}))["job"]["id"]  # fmt: skip
    query = "query($id: ID!) { academicJob(id: $id) { status } }"
    assert (await here.ask(query, "principal", id=job)).codes == ["FORBIDDEN"]
    assert (await there.ask(query, "school_admin", id=job)).ok()["academicJob"] is None
