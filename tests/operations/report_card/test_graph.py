from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from libs.crypto import SignedLinks
from libs.kernel import new_id, utc_now
from libs.settings import Settings
from subgraphs.operations.report_card.operations import Press
from subgraphs.operations.report_card.rules import path_of
from tests.operations.grading.school import School
from tests.operations.report_card.cards import complete, generate, text_of, work

GENERATED = """... on GenerateReportCardSuccess { reportCard { id status revision code pdfUrl } }
    ... on IncompleteGrades { missing }"""
CARD = "query($id: ID!) { reportCard(id: $id) { status revision code pdfUrl generatedAt } }"


async def _generate(school: School, student: UUID, actor: str):
    return await school.change(
        "generateReportCard", GENERATED, actor, studentId=str(student), semesterId=str(school.semester)
    )


def _path(url: str) -> str:
    return url.removeprefix("{0.scheme}://{0.netloc}".format(urlsplit(url)))


async def test_a_card_from_the_mutation_to_the_pdf(here: School, press: Press):
    await complete(here)
    made = (await _generate(here, here.students[0], "homeroom"))["reportCard"]
    assert (made["status"], made["revision"], made["pdfUrl"]) == ("DRAFT", 1, None)
    await work(here, press)
    card = (await here.ask(CARD, "parent", id=made["id"])).ok()["reportCard"]
    assert card["status"] == "GENERATED"
    path = _path(card["pdfUrl"])
    answer = await here.graph.http.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert "no-store" in answer.headers["cache-control"]
    assert "Ani Lestari" in text_of(answer.content)
    for wrong in (
        path[:-1],
        path.replace("expires=1", "expires=2"),
        path.replace(made["id"], str(new_id())),
        path.split("?")[0],
    ):
        assert (await here.graph.http.get(wrong)).status_code == 403
    page = await here.graph.http.get(f"/verify/{made['code']}")
    assert page.status_code == 200
    assert "Rapor ini sah" in page.text
    assert "A. L." in page.text
    assert "Lestari" not in page.text
    for wrong in (made["code"][:-3] + "AAA", "x", "%00"):
        assert (await here.graph.http.get(f"/verify/{wrong}")).status_code == 404


async def test_an_address_holds_for_its_time_its_path_and_its_key_alone(here: School, settings: Settings):
    path, now = path_of(here.tenant_id, new_id()), utc_now()
    links = SignedLinks(settings, purpose="report card")

    async def status(signer: SignedLinks, until) -> int:
        return (await here.graph.http.get(_path(signer.url(path, until=until)))).status_code

    assert await status(links, now + timedelta(minutes=1)) == 404  # signed for a card that is not there
    assert await status(links, now - timedelta(seconds=1)) == 403
    assert await status(SignedLinks(settings, purpose="something else"), now + timedelta(minutes=1)) == 403


async def test_who_sees_which_cards(here: School, there: School, press: Press):
    await complete(here)
    await complete(there)
    foreign = await generate(there, there.students[0])
    cards = [await generate(here, student) for student in here.students[:2]]

    async def seen(actor: str) -> list[bool]:
        asked = [(await here.ask(CARD, actor, id=card.id)).ok()["reportCard"] for card in (*cards, foreign)]
        return [each is not None for each in asked]

    assert await seen("parent") == [False, False, False]
    await work(here, press)
    for actor in ("principal", "school_admin", "homeroom"):
        assert await seen(actor) == [True, True, False], actor
    assert await seen("teacher") == [False, False, False]
    assert await seen("student") == await seen("parent") == [True, False, False]
    found = await here.students_as("parent", "reportCards { revision status }")
    assert [each["reportCards"] for each in found] == [[{"revision": 1, "status": "GENERATED"}], [], []]
    assert (await here.ask(CARD, "finance_staff", id=cards[0].id)).codes == ["FORBIDDEN"]


async def test_every_way_in_which_generating_is_refused(here: School, there: School):
    ani, citra = here.students[0], here.students[2]
    missing = await _generate(here, ani, "homeroom")
    assert (missing["code"], missing["missing"]) == ("INCOMPLETE_GRADES", 2)
    for student, actor in ((ani, "teacher"), (citra, "homeroom"), (ani, "parent"), (ani, "finance_staff")):
        assert (await _generate(here, student, actor))["__typename"] == "Forbidden"
    assert (await _generate(here, there.students[0], "principal"))["__typename"] == "NotFound"
    here.as_owner("operations", "delete from operations.enrollments where student_id = %s returning id", (ani,))
    nowhere = await _generate(here, ani, "principal")
    assert [(each["path"], each["code"]) for each in nowhere["fields"]] == [("input.studentId", "NOT_IN_CLASS")]
