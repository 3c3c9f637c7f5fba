"""What a school lives by, each from the first request to the last mail or page: attendance, applications, report cards."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
from pypdf import PdfReader

from deploy.local.chromium import obtain
from deploy.local.state import ROOT, StateFolder
from libs.events import wait_until_consumed
from libs.events.contracts.operations import AbsenceNotified
from libs.kernel import Binding, Scope, new_id, utc_now
from subgraphs.operations.app import open_database
from subgraphs.operations.attendance.rules import absence_of
from tests.journeys.client import Person
from tests.journeys.school import School
from tests.journeys.stack import Stack

_ABSENCE = "Ketidakhadiran di sekolah"
_RECEIPT = "We have received your payment"
_FEE = 250_000
_SUNDAY = 7
_SECONDS = 30
_FAMILIES = ("Wali 1", "Wali 3", "Wali 4")
_APPLICANT = "ibu.calon@dahlia.test"


@pytest.fixture(scope="session")
def dahlia(running: Stack) -> School:
    """A school of its own, so that no other journey counts what happens here."""

    async def open_it() -> School:
        async with httpx.AsyncClient(base_url=running.url, timeout=60) as client:
            school = School("dahlia", running, client, "20304103")
            await school.open()
            await asyncio.gather(school.employ("Bendahara", "finance_staff"), school.employ("PPDB", "admission_staff"))
        return school

    running.heal()
    return asyncio.run(open_it())


@pytest.fixture
async def school(dahlia: School, http: httpx.AsyncClient) -> School:
    return dahlia.over(http)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the worker looks for it; a packaged one is fetched first, where the machine has none."""
    return str(obtain(StateFolder(ROOT / ".wiyata").chromium))


def today(*, ahead: float = 0) -> date:
    """The day at the school, so many seconds ahead."""
    return (utc_now() + timedelta(seconds=ahead)).astimezone(ZoneInfo("Asia/Jakarta")).date()


async def day_that_lasts() -> date:
    """The day at the school, the next one where that begins in less than two minutes: families hear of today alone."""
    while (day := today()) != today(ahead=120):  # noqa: ASYNC110 - a clock, not an event
        await asyncio.sleep(1)
    return day


async def until(look: Callable[[], Awaitable[Any]], what: str) -> Any:
    """The first answer that is something. Raises AssertionError when there is none in time."""
    deadline = time.monotonic() + _SECONDS
    while not (found := await look()):
        assert time.monotonic() < deadline, f"{what}: not after {_SECONDS} s"
        await asyncio.sleep(0.1)
    return found


async def everything_sent(school: School) -> None:
    """Returns when every event has its effect and every mail of the school has left."""
    await wait_until_consumed(school.stack.settings)
    waiting = "select count(*) from notification.deliveries where tenant_id = %s"

    async def is_empty() -> bool:
        return school.stack.count("notification", waiting, (school.tenant,)) == 0

    await until(is_empty, "all mails sent")


async def mark(school: School, day: date, status: str) -> Any:
    """The teacher of the class marks pupil 1, and the others as present."""
    entries = [{"studentId": school.ids["student 1"], "status": status}]
    given = {"classId": school.ids["class 1"], "date": str(day), "entries": entries}
    return await school.people["Guru 1"].attempt("recordClassAttendance", given, "recorded updated unchanged")


async def mark_on_sunday(school: School, day: date, status: str) -> Any:
    """Nobody is marked then; what a mark would tell is told in its place, and goes its way to the family all the same."""
    answer = await mark(school, day, status)
    assert answer["code"] == "HOLIDAY"
    database, student_id = open_database(school.stack.settings), UUID(school.ids["student 1"])
    async with database.write(Binding(UUID(school.tenant), Scope.TENANT)) as tx:
        tx.emit(
            AbsenceNotified(
                absence_id=absence_of(student_id, day),
                student_id=student_id,
                class_id=UUID(school.ids["class 1"]),
                class_name=school.name("X-1"),
                date=day,
                status=status,
            )
        )
    await database.close()
    return answer


async def test_an_absence_reaches_the_guardian_once(school: School) -> None:
    day, mails = await day_that_lasts(), school.stack.mail
    is_sunday = day.isoweekday() == _SUNDAY
    miss = mark_on_sunday if is_sunday else mark
    first = await miss(school, day, "ABSENT")
    mail = await mails.letter(school.email("Wali 1"), _ABSENCE)
    for kind in ("plain", "html"):
        assert f"{school.name('Murid 1')}, kelas {school.name('X-1')}: tidak hadir." in mail.part(kind)
        assert school.name("Murid 2") not in mail.part(kind)

    again, late = [await miss(school, day, status) for status in ("ABSENT", "LATE")]
    await everything_sent(school)
    told = {who: [each for each in mails.to(school.email(who)) if _ABSENCE in each.subject] for who in _FAMILIES}
    assert {who: len(letters) for who, letters in told.items()} == {"Wali 1": 1, "Wali 3": 0, "Wali 4": 0}
    if is_sunday:
        return
    assert first == {"__typename": "RecordClassAttendanceSuccess", "recorded": 3, "updated": 0, "unchanged": 0}
    assert (again["unchanged"], late["updated"]) == (3, 1)
    summary = "{ students(first: 9) { nodes { nis attendanceSummary { present absent late } } } }"
    seen = await school.people["Wali 1"].read(summary)
    days = {each["nis"]: each["attendanceSummary"] for each in seen["students"]["nodes"]}
    assert days == {"1": {"present": 0, "absent": 0, "late": 1}, "2": {"present": 1, "absent": 0, "late": 0}}


async def open_period(school: School) -> str:
    """The office plans a period with a fee and opens it; answers its id."""
    office = school.people["PPDB"]
    given = {
        "name": "Gelombang 1",
        "code": "G1",
        "academicYearId": school.ids["year"],
        "startDate": str(today()),
        "endDate": str(today() + timedelta(days=30)),
        "registrationFee": _FEE,
    }
    period = (await office.do("createAdmissionPeriod", given, "admissionPeriod { id }"))["admissionPeriod"]["id"]
    await office.do("openAdmissionPeriod", {"periodId": period})
    return str(period)


async def apply(visitor: Person, period: str) -> str:
    """Somebody without an account applies, twice the same way; answers the number of the one application."""
    form = {
        "periodId": period,
        "fullName": "Calon Dahlia",
        "gender": "FEMALE",
        "birthPlace": "Bandung",
        "birthDate": "2011-04-05",
        "parentName": "Ibu Calon",
        "parentEmail": _APPLICANT,
        "parentPhone": "0812 3456 7000",
    }
    key = {"idempotency-key": str(new_id())}
    first = await visitor.attempt("submitApplication", form, "number secret", key)
    assert first["__typename"] == "SubmitApplicationSuccess", first
    assert await visitor.attempt("submitApplication", form, "number secret", key) == first
    status = "query($n: String!, $s: String!) { applicationStatus(number: $n, secret: $s) { number status } }"
    seen = await visitor.read(status, n=first["number"], s=first["secret"])
    assert seen["applicationStatus"] == {"number": first["number"], "status": "SUBMITTED"}
    return str(first["number"])


async def test_an_application_is_billed_paid_and_receipted(school: School, http: httpx.AsyncClient) -> None:
    visitor = Person(http, school.tenant)
    period = await open_period(school)
    public = await visitor.read("{ openAdmissionPeriods { id registrationFee } }")
    assert public["openAdmissionPeriods"] == [{"id": period, "registrationFee": _FEE}]
    number = await apply(visitor, period)
    await school.stack.mail.letter(_APPLICANT, f"We have received application {number}")
    await wait_until_consumed(school.stack.settings)

    cashier = school.people["Bendahara"]
    billed = "{ invoices(filter: {payer: {eq: APPLICANT}}) { nodes { id number type amount open status notes } } }"
    (invoice,) = (await cashier.read(billed))["invoices"]["nodes"]
    invoice_id, invoice_number = invoice.pop("id"), invoice.pop("number")
    assert invoice == {"type": "REGISTRATION", "amount": _FEE, "open": _FEE, "status": "UNPAID", "notes": number}
    application = "{ applications { nodes { number status paymentStatus } } }"
    office = school.people["PPDB"]
    seen = (await office.read(application))["applications"]["nodes"]
    assert seen == [{"number": number, "status": "SUBMITTED", "paymentStatus": "UNPAID"}]

    paid = {"invoiceId": invoice_id, "amount": _FEE, "method": "BANK_TRANSFER", "paidOn": str(today())}
    done = await cashier.do("recordPayment", paid, "payment { number } invoice { status open }")
    assert done["invoice"] == {"status": "PAID", "open": 0}
    await everything_sent(school)
    seen = (await office.read(application))["applications"]["nodes"]
    assert seen == [{"number": number, "status": "SUBMITTED", "paymentStatus": "PAID"}]
    (receipt,) = [each for each in school.stack.mail.to(_APPLICANT) if _RECEIPT in each.subject]
    for word in ("250.000", invoice_number, done["payment"]["number"], "paid in full"):
        assert word in receipt.part("plain"), word
    assert [each.subject for each in school.stack.mail.to(_APPLICANT)].count(receipt.subject) == 1


async def grade(school: School) -> None:
    """The teacher of the class says how the subject is graded, and gives everybody a score."""
    teacher, taught = school.people["Guru 1"], school.ids["class subject 1"]
    categories = [{"name": "Tugas", "weight": 40}, {"name": "Ujian", "weight": 60}]
    await teacher.do("setGradeCategories", {"classSubjectId": taught, "categories": categories})
    for category, score in (("Tugas", "80"), ("Ujian", "90.5")):
        given = {"classSubjectId": taught, "category": category, "title": f"{category} 1"}
        made = await teacher.do("createAssessment", given | {"assessmentDate": str(today())}, "assessment { id }")
        entries = [{"studentId": school.ids[f"student {nis}"], "score": score} for nis in (1, 2, 3)]
        marks = {"assessmentId": made["assessment"]["id"], "entries": entries}
        assert (await teacher.do("recordGrades", marks, "recorded"))["recorded"] == 3


async def test_a_report_card_from_the_scores_to_the_page_behind_its_code(
    school: School, http: httpx.AsyncClient, chromium: str
) -> None:
    assert chromium == school.stack.settings.chromium
    await grade(school)
    given = {"studentId": school.ids["student 1"], "semesterId": school.ids["semester"]}
    made = await school.people["Guru 1"].do("generateReportCard", given, "reportCard { id status code pdfUrl }")
    card = made["reportCard"]
    assert (card["status"], card["pdfUrl"]) == ("DRAFT", None)

    async def url() -> Any:
        document = "query($id: ID!) { reportCard(id: $id) { status pdfUrl } }"
        seen = (await school.people["Wali 1"].read(document, id=card["id"]))["reportCard"]
        return seen and seen["pdfUrl"]

    answer = await http.get(await until(url, "the PDF"))
    jobs = "select status from operations.jobs where tenant_id = %s and kind = 'RENDER_REPORT_CARD'"
    assert school.stack.rows("operations", jobs, (school.tenant,)) == [{"status": "SUCCEEDED"}]
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-")
    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(answer.content)).pages)
    verify = f"/verify/{card['code']}"
    for word in (school.name("Murid 1"), school.name("Matematika"), school.name("SMA").upper(), verify):
        assert word in text, word
    page = await http.get(verify)
    assert page.status_code == 200
    assert "Rapor ini sah" in page.text
    assert school.name("SMA") in page.text
    assert school.name("Murid 1") not in page.text
    for who in ("Wali 3", "Murid 4", "Guru 2"):
        seen = await school.people[who].read("query($id: ID!) { reportCard(id: $id) { id } }", id=card["id"])
        assert seen == {"reportCard": None}, who
    assert (await http.get(f"{verify[:-3]}AAA")).status_code == 404


async def test_a_large_file_is_sent_through_the_router(school: School, http: httpx.AsyncClient) -> None:
    content = b"nis,full_name,gender\n" + b"1,A,L\n" * 500_000
    announced = {"name": "siswa.csv", "size": len(content), "type": "CSV"}
    upload = await school.people["Admin"].do("requestAcademicUpload", announced, "uploadUrl fileId")

    async def pieces(more: bytes = b"") -> AsyncIterator[bytes]:
        for start in range(0, len(content), 2**16):
            yield content[start : start + 2**16]
        yield more

    url = upload["uploadUrl"]
    assert httpx.URL(url).host == http.base_url.host
    assert httpx.URL(url).port == http.base_url.port
    assert (await http.put(url, content=pieces(b"1"))).status_code == 413
    assert (await http.put(url, content=content + b"1")).status_code == 413
    assert (await http.put(f"{url}x", content=b"1")).status_code == 403
    assert (await http.put(url, content=pieces())).status_code == 204
    given = {"file": {"fileId": upload["fileId"]}, "academicYearId": school.ids["year"]}
    job = (await school.people["Admin"].do("importStudents", given, "job { id }"))["job"]

    async def ended() -> Any:
        document = "query($id: ID!) { academicJob(id: $id) { status errors { code } } }"
        seen = (await school.people["Admin"].read(document, id=job["id"]))["academicJob"]
        return seen if seen["status"] not in ("QUEUED", "RUNNING") else None

    assert await until(ended, "the import") == {"status": "FAILED", "errors": [{"code": "TOO_MANY_ROWS"}]}


async def test_nothing_of_it_was_given_up_nor_logged(school: School) -> None:
    stack = school.stack
    for subgraph in ("operations", "admission", "finance", "notification"):
        letters = f"select type, error from {subgraph}.dead_letters where tenant_id = %s"
        assert stack.rows(subgraph, letters, (school.tenant,)) == [], subgraph
    log = stack.log_text()
    secrets = [_APPLICANT, "6281234567000", "Calon Dahlia", "Ibu Calon", "Murid 1 dahlia", "2011-04-05"]
    assert [secret for secret in secrets if secret in log] == []
