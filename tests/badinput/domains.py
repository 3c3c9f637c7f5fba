"""Right inputs for the mutations of operations, admission and finance, and the ids of another school's rows."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from libs.kernel import new_id, utc_now
from libs.testing import GraphClient, actor_of
from tests.admission.world import World as AdmissionWorld
from tests.finance.world import World as FinanceWorld
from tests.operations.world import World as OperationsWorld

TODAY = utc_now().astimezone(ZoneInfo("Asia/Jakarta")).date()
_DAY = TODAY if TODAY.isoweekday() < 7 else TODAY - timedelta(days=1)
_TERM = (TODAY - timedelta(days=60), TODAY + timedelta(days=60))
_NEXT = (TODAY + timedelta(days=61), TODAY + timedelta(days=120))

Inputs = dict[str, dict[str, Any]]


async def finance_inputs(world: FinanceWorld) -> Inputs:
    """A school that bills one pupil."""
    here = FinanceWorld(world.settings, world.database, world.tenant_id, world.as_owner, TODAY)
    month = f"{TODAY.year}-{TODAY.month:02d}"
    await here.config(name="SPP", valid_from=date(TODAY.year - 1, 7, 1))
    await here.pupils(1, class_id=await here.class_(), days=(date(TODAY.year - 1, 7, 1), None))
    await here.generate(month)
    (invoice,) = here.invoices()
    return {
        "createBillingConfig": {
            "name": "Seragam",
            "amount": 150_000,
            "type": "UNIFORM",
            "frequency": "ONCE",
            "dueDay": 10,
            "classLevel": 10,
            "validFrom": TODAY.isoformat(),
        },
        "generateMonthlyInvoices": {"month": f"{TODAY.year - 1}-12"},
        "recordPayment": {
            "invoiceId": str(invoice["id"]),
            "amount": 50_000,
            "method": "CASH",
            "paidOn": TODAY.isoformat(),
            "referenceNumber": "TRX-1",
        },
    }


async def admission_inputs(world: AdmissionWorld) -> Inputs:
    """A school with an open period, a draft and an application."""
    here = AdmissionWorld(world.settings, world.database, world.tenant_id, world.as_owner, TODAY)
    year = await here.year()
    opened, draft = await here.open(await here.period(year)), await here.period(year, code="B", name="Gelombang 2")
    await here.apply(opened.id)
    (application,) = here.applications()
    return {
        "createAdmissionPeriod": {
            "name": "Gelombang 3",
            "code": "C",
            "academicYearId": str(year),
            "startDate": TODAY.isoformat(),
            "endDate": (TODAY + timedelta(days=30)).isoformat(),
            "registrationFee": 100_000,
            "maxApplicants": 100,
        },
        "openAdmissionPeriod": {"periodId": str(draft.id)},
        "submitApplication": {
            "periodId": str(opened.id),
            "fullName": "Dewi Lestari",
            "gender": "FEMALE",
            "birthPlace": "Wonosobo",
            "birthDate": f"{TODAY.year - 15}-03-04",
            "nisn": "0012345678",
            "nik": "3307074403110001",
            "previousSchool": "SMP Negeri 1",
            "parentName": "Adi Lestari",
            "parentEmail": "adi@example.test",
            "parentPhone": "08123456780",
        },
        "verifyApplication": {"applicationId": str(application["id"])},
    }


async def operations_inputs(world: OperationsWorld, graph: GraphClient) -> Inputs:
    """A school whose only pupil has every mark of the semester."""
    semester, _ = await world.year(_TERM, _NEXT)
    class_id = await world.class_()
    (student,) = await world.pupils(1, class_id=class_id, days=(_TERM[0], _NEXT[1]))
    subject = await world.subject(class_id, semester)
    inputs: Inputs = {
        "recordClassAttendance": {
            "classId": str(class_id),
            "date": _DAY.isoformat(),
            "default": "PRESENT",
            "entries": [{"studentId": str(student), "status": "SICK", "notes": "demam"}],
        },
        "importAttendance": {"file": {"text": f"nis,date,status\n0000,{_DAY},SICK\n"}},
        "setGradeCategories": {"classSubjectId": str(subject), "categories": [{"name": "Tugas", "weight": 100}]},
        "createAssessment": {
            "classSubjectId": str(subject),
            "category": "Tugas",
            "title": "Tugas 1",
            "maxScore": 100,
            "assessmentDate": TODAY.isoformat(),
        },
    }
    assessment = await _graded(graph, world, inputs, str(student))
    inputs["recordGrades"] = {
        "assessmentId": assessment,
        "entries": [{"studentId": str(student), "score": 90, "notes": "lebih baik"}],
    }
    inputs["generateReportCard"] = {"studentId": str(student), "semesterId": str(semester)}
    halves = [{"name": "Tugas", "weight": 60}, {"name": "UAS", "weight": 40}]
    inputs["setGradeCategories"] = {"classSubjectId": str(subject), "categories": halves}
    return inputs


async def _graded(graph: GraphClient, world: OperationsWorld, inputs: Inputs, student: str) -> str:
    """An assessment in which the pupil has a score."""
    admin = actor_of("school_admin", world.tenant_id, user_id=new_id())

    async def do(name: str, given: Mapping[str, Any], selection: str) -> dict[str, Any]:
        kind = name[0].upper() + name[1:]
        document = (
            f"mutation($input: {kind}Input!) {{ {name}(input: $input) {{ ... on {kind}Success {{ {selection} }} }} }}"
        )
        answer: dict[str, Any] = (await graph(document, {"input": given}, actor=admin)).ok()[name]
        return answer

    await do("setGradeCategories", inputs["setGradeCategories"], "__typename")
    made = await do("createAssessment", inputs["createAssessment"], "assessment { id }")
    assessment: str = made["assessment"]["id"]
    entries = [{"studentId": student, "score": 80, "notes": "baik"}]
    await do("recordGrades", {"assessmentId": assessment, "entries": entries}, "__typename")
    return assessment
