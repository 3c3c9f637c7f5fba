"""Right inputs for the mutations of operations, admission, finance and integrators, and the ids of another school's rows."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from joserfc.jwk import ECKey

from libs.kernel import new_id, utc_now
from libs.testing import GraphClient, actor_of
from tests.admission.world import World as AdmissionWorld
from tests.finance.world import World as FinanceWorld
from tests.operations.world import World as OperationsWorld

Inputs = dict[str, dict[str, Any]]


def school_day() -> date:
    """Today in the schools' time zone. Nothing below is wrong a day later: a test may run across midnight."""
    return utc_now().astimezone(ZoneInfo("Asia/Jakarta")).date()


async def client_inputs(graph: GraphClient, tenant_id: UUID) -> Inputs:
    """A school with an integrator who signs with a key of their own."""
    key = ECKey.generate_key("P-256", {"kid": "one"}, private=True).as_dict(private=False)
    jwks = json.dumps({"keys": [key]})
    given = {"name": "Dinas", "scopes": ["user:read", "role:read"], "method": "PRIVATE_KEY_JWT", "jwks": jwks}
    document = (
        "mutation($input: CreateApiClientInput!) { createApiClient(input: $input) {"
        " ... on CreateApiClientSuccess { apiClient { id } } } }"
    )
    made = (await graph(document, {"input": given}, actor=actor_of("school_admin", tenant_id))).ok()
    client_id = made["createApiClient"]["apiClient"]["id"]
    return {
        "createApiClient": given | {"name": "Bank"},
        "rotateApiClientSecret": {"apiClientId": client_id, "overlapHours": 24, "jwks": jwks},
        "revokeApiClient": {"apiClientId": client_id},
    }


async def finance_inputs(world: FinanceWorld) -> Inputs:
    """A school that bills one pupil."""
    today = school_day()
    here = FinanceWorld(world.settings, world.database, world.tenant_id, world.as_owner, today)
    month = f"{today.year}-{today.month:02d}"
    await here.config(name="SPP", valid_from=date(today.year - 1, 7, 1))
    await here.pupils(1, class_id=await here.class_(), days=(date(today.year - 1, 7, 1), None))
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
            "validFrom": today.isoformat(),
        },
        "generateMonthlyInvoices": {"month": f"{today.year - 1}-12"},
        "recordPayment": {
            "invoiceId": str(invoice["id"]),
            "amount": 50_000,
            "method": "CASH",
            "paidOn": today.isoformat(),
            "referenceNumber": "TRX-1",
        },
    }


async def admission_inputs(world: AdmissionWorld) -> Inputs:
    """A school with an open period, a draft and an application."""
    today = school_day()
    here = AdmissionWorld(world.settings, world.database, world.tenant_id, world.as_owner, today)
    year = await here.year()
    opened, draft = await here.open(await here.period(year)), await here.period(year, code="B", name="Gelombang 2")
    await here.apply(opened.id)
    (application,) = here.applications()
    return {
        "createAdmissionPeriod": {
            "name": "Gelombang 3",
            "code": "C",
            "academicYearId": str(year),
            "startDate": today.isoformat(),
            "endDate": (today + timedelta(days=30)).isoformat(),
            "registrationFee": 100_000,
            "maxApplicants": 100,
        },
        "openAdmissionPeriod": {"periodId": str(draft.id)},
        "submitApplication": {
            "periodId": str(opened.id),
            "fullName": "Dewi Lestari",
            "gender": "FEMALE",
            "birthPlace": "Wonosobo",
            "birthDate": f"{today.year - 15}-03-04",
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
    """A school whose two pupils have every mark of the semester."""
    today = school_day()
    first, last = today - timedelta(days=60), today + timedelta(days=120)
    middle = today + timedelta(days=60)
    semester, _ = await world.year((first, middle), (middle + timedelta(days=1), last))
    class_id = await world.class_()
    students = [str(each) for each in await world.pupils(2, class_id=class_id, days=(first, last))]
    subject = await world.subject(class_id, semester)
    day = today if today.isoweekday() < 7 else today - timedelta(days=1)
    inputs: Inputs = {
        "recordClassAttendance": {
            "classId": str(class_id),
            "date": day.isoformat(),
            "default": "PRESENT",
            "entries": [{"studentId": each, "status": "SICK", "notes": "demam"} for each in students],
        },
        "requestOperationsUpload": {"name": "hadir.csv", "size": 1000, "type": "CSV"},
        "importAttendance": {"file": {"text": f"nis,date,status\n0000,{day},SICK\n"}},
        "setGradeCategories": {"classSubjectId": str(subject), "categories": [{"name": "Tugas", "weight": 100}]},
        "createAssessment": {
            "classSubjectId": str(subject),
            "category": "Tugas",
            "title": "Tugas 1",
            "maxScore": 100,
            "assessmentDate": today.isoformat(),
        },
    }
    assessment = await _graded(graph, world, inputs, students)
    inputs["recordGrades"] = {
        "assessmentId": assessment,
        "entries": [{"studentId": each, "score": 90, "notes": "lebih baik"} for each in students],
    }
    inputs["generateReportCard"] = {"studentId": students[0], "semesterId": str(semester)}
    halves = [{"name": "Tugas", "weight": 60}, {"name": "UAS", "weight": 40}]
    inputs["setGradeCategories"] = {"classSubjectId": str(subject), "categories": halves}
    return inputs


async def _graded(graph: GraphClient, world: OperationsWorld, inputs: Inputs, students: list[str]) -> str:
    """An assessment in which the pupils have scores."""
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
    entries = [{"studentId": each, "score": 80, "notes": "baik"} for each in students]
    await do("recordGrades", {"assessmentId": assessment, "entries": entries}, "__typename")
    return assessment
