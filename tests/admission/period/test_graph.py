from datetime import timedelta

import pytest

from libs.kernel import new_id
from tests.admission.graph import ROLES, Scene
from tests.admission.world import World

OPEN = "{ openAdmissionPeriods { id name code startDate endDate registrationFee maxApplicants status applicants } }"
STAFF = ("school_admin", "principal", "admission_staff")
CREATED = "... on CreateAdmissionPeriodSuccess { admissionPeriod { name code status applicants } }"


def values(here: Scene, **changes) -> dict:
    given = {
        "name": "Jalur Prestasi",
        "code": "p1",
        "academicYearId": str(here.year),
        "startDate": here.period.start_date.isoformat(),
        "endDate": here.period.end_date.isoformat(),
        "registrationFee": 0,
        "maxApplicants": 36,
    }
    return given | changes


async def test_everybody_sees_where_one_can_apply(here: Scene, there: Scene):
    for actor in (None, "parent", "admission_staff"):
        answer = await here.ask(OPEN, actor)
        (period,) = answer.data["openAdmissionPeriods"]
        assert (period["id"], period["name"], period["status"]) == (str(here.period.id), "Gelombang 1", "OPEN")
        assert (period["registrationFee"], period["maxApplicants"]) == (150_000, None)
        # The list is read for nobody in particular, and how many have applied is the office's business.
        assert period["applicants"] is None
        assert answer.codes == ["FORBIDDEN"]
    assert (await here.graph("{ openAdmissionPeriods { id } }")).codes == ["BAD_REQUEST"]


async def test_periods_are_open_from_their_first_day_to_their_last(here: Scene):
    today, world = here.world.today, here.world
    for code, start, end in (("C", 1, 9), ("D", 0, 0), ("E", -5, 0)):
        await world.opened(
            year=here.year,
            code=code,
            name=code,
            start_date=today + timedelta(days=start),
            end_date=today + timedelta(days=end),
        )
    found = (await here.ask("{ openAdmissionPeriods { name } }", None)).ok()["openAdmissionPeriods"]
    assert [each["name"] for each in found] == ["D", "E", "Gelombang 1"]


async def test_a_suspended_school_shows_nothing(here: Scene):
    here.world.as_owner("admission", "update admission.tenants set status = 'SUSPENDED'")
    assert (await here.ask("{ openAdmissionPeriods { id } }", None)).codes == ["TENANT_SUSPENDED"]


@pytest.mark.parametrize("role", ROLES)
async def test_staff_read_all_periods_and_nobody_else(here: Scene, there: Scene, role: str):
    query = 'query($id: ID!) { admissionPeriods(filter: {code: {eq: "B"}}) { nodes { name } } admissionPeriod(id: $id) { status } }'
    answer = await here.ask(query, role, id=here.draft.id)
    if role in STAFF:
        assert answer.ok() == {
            "admissionPeriods": {"nodes": [{"name": "Gelombang 2"}]},
            "admissionPeriod": {"status": "DRAFT"},
        }
    else:
        assert set(answer.codes) == {"FORBIDDEN"}
    foreign = await here.ask("query($id: ID!) { admissionPeriod(id: $id) { id } }", "principal", id=there.draft.id)
    assert foreign.ok() == {"admissionPeriod": None}


async def test_create_admission_period_and_every_way_it_is_refused(here: Scene):
    created = await here.change("createAdmissionPeriod", CREATED, **values(here))
    assert created["admissionPeriod"] == {"name": "Jalur Prestasi", "code": "P1", "status": "DRAFT", "applicants": 0}
    again = await here.change("createAdmissionPeriod", CREATED, **values(here))
    assert (again["code"], again["message"]) == (
        "PERIOD_CODE_TAKEN",
        "Kode P1 sudah dipakai periode lain pada tahun ajaran ini.",
    )
    unknown = await here.change("createAdmissionPeriod", CREATED, **values(here, academicYearId=str(new_id())))
    assert unknown["code"] == "NOT_FOUND"
    wrong = await here.change(
        "createAdmissionPeriod", CREATED, **values(here, name=" ", registrationFee=-1, maxApplicants=0)
    )
    assert {(fault["path"], fault["code"]) for fault in wrong["fields"]} == {
        ("input.name", "REQUIRED"),
        ("input.registrationFee", "TOO_SMALL"),
        ("input.maxApplicants", "TOO_SMALL"),
    }
    before = await here.change("createAdmissionPeriod", CREATED, **values(here, code="-", endDate="2026-01-01"))
    assert [fault["path"] for fault in before["fields"]] == ["input.code", "input.endDate"]
    assert len(here.world.rows("periods")) == 3


async def test_open_admission_period_and_every_way_it_is_refused(here: Scene, there: Scene):
    answer = "... on OpenAdmissionPeriodSuccess { admissionPeriod { status } } ... on PeriodNotDraft { status }"
    opened = await here.change("openAdmissionPeriod", answer, periodId=str(here.draft.id))
    assert opened["admissionPeriod"] == {"status": "OPEN"}
    again = await here.change("openAdmissionPeriod", answer, periodId=str(here.draft.id))
    assert (again["__typename"], again["code"], again["status"]) == ("PeriodNotDraft", "PERIOD_NOT_DRAFT", "OPEN")
    foreign = await here.change("openAdmissionPeriod", answer, periodId=str(there.draft.id))
    assert foreign["code"] == "NOT_FOUND"


@pytest.mark.parametrize("role", sorted(set(ROLES) - set(STAFF)))
async def test_others_change_nothing(here: Scene, role: str):
    assert (await here.change("createAdmissionPeriod", CREATED, role, **values(here)))["code"] == "FORBIDDEN"
    refused = await here.change("openAdmissionPeriod", "", role, periodId=str(here.draft.id))
    assert refused["code"] == "FORBIDDEN"


async def test_a_school_without_the_feature_plans_nothing(world: World, here: Scene):
    world.as_owner("admission", "update admission.tenants set features = '{FINANCE}'")
    sent = await here.send("createAdmissionPeriod", CREATED, "admission_staff", **values(here))
    assert sent.codes == ["FEATURE_DISABLED"]
    sent = await here.send("openAdmissionPeriod", "", "admission_staff", periodId=str(here.draft.id))
    assert sent.codes == ["FEATURE_DISABLED"]
