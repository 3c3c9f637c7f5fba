from uuid import uuid4

import pytest

from libs.kernel import new_id
from tests.admission.graph import FORM, ROLES, Scene

STAFF = ("school_admin", "principal", "admission_staff")
STATUS = (
    "query($number: String!, $birthDate: Date, $secret: String) {"
    " applicationStatus(number: $number, birthDate: $birthDate, secret: $secret) { number status nextStep } }"
)
VERIFIED = (
    "... on VerifyApplicationSuccess { application { status verifiedAt } } ... on ApplicationNotSubmitted { status }"
)


async def test_anybody_applies(here: Scene, there: Scene):
    submitted = await here.submit()
    assert submitted["__typename"] == "SubmitApplicationSuccess"
    assert submitted["number"] == f"{here.period.number_prefix}-0002"
    row = here.world.applications()[-1]
    assert (row["full_name"], row["language"]) == ("Budi Santoso", "id")
    status = (await here.ask(STATUS, None, number=submitted["number"], secret=submitted["secret"])).ok()
    assert status["applicationStatus"] == {
        "number": submitted["number"],
        "status": "SUBMITTED",
        "nextStep": "Bayar biaya pendaftaran, lalu tunggu verifikasi dari sekolah.",
    }
    assert len(there.world.applications()) == 1


async def test_every_way_an_application_is_refused(here: Scene, there: Scene):
    assert (await here.submit())["__typename"] == "SubmitApplicationSuccess"
    again = await here.submit()
    assert (again["code"], again["message"]) == (
        "ALREADY_APPLIED",
        "Calon murid ini sudah terdaftar pada periode ini.",
    )
    closed = await here.submit(periodId=str(here.draft.id))
    assert (closed["code"], closed["startDate"]) == ("PERIOD_NOT_OPEN", here.draft.start_date.isoformat())
    assert (await here.submit(periodId=str(there.period.id)))["code"] == "NOT_FOUND"
    here.world.as_owner("admission", "update admission.periods set max_applicants = 2 where max_applicants is null")
    full = await here.submit(fullName="Next One", nik=None, nisn=None)
    assert (full["code"], full["maxApplicants"]) == ("PERIOD_FULL", 2)
    assert len(here.world.applications()) == 2


async def test_all_faults_are_told_at_once(here: Scene):
    wrong = await here.submit(
        fullName=" ", birthDate="2199-01-01", nisn="12", nik="x", parentEmail="nobody", parentPhone="12"
    )
    assert {(fault["path"], fault["code"]) for fault in wrong["fields"]} == {
        ("input.fullName", "REQUIRED"),
        ("input.birthDate", "IMPLAUSIBLE_DATE"),
        ("input.nisn", "INVALID_NISN"),
        ("input.nik", "INVALID_NIK"),
        ("input.parentEmail", "INVALID_EMAIL"),
        ("input.parentPhone", "INVALID_PHONE"),
    }
    assert len(here.world.applications()) == 1


async def test_a_key_of_the_client_makes_sending_twice_safe(here: Scene):
    headers = {"idempotency-key": str(uuid4())}
    first = await here.submit(headers=headers)
    assert await here.submit(headers=headers) == first
    values = {"periodId": str(here.period.id)} | FORM
    other = await here.send(
        "submitApplication", "", None, headers=headers, **values | {"fullName": "Other", "nik": None, "nisn": None}
    )
    assert other.codes == ["IDEMPOTENCY_CONFLICT"]
    assert (await here.send("submitApplication", "", None, headers={"idempotency-key": "1"}, **values)).codes == [
        "BAD_REQUEST"
    ]
    assert len(here.world.applications()) == 2


async def test_a_school_must_be_named_active_and_have_the_feature(here: Scene):
    values = {"periodId": str(here.period.id)} | FORM
    document = "mutation($input: SubmitApplicationInput!) { submitApplication(input: $input) { __typename } }"
    assert (await here.graph(document, {"input": values})).codes == ["BAD_REQUEST"]
    here.world.as_owner("admission", "update admission.tenants set status = 'SUSPENDED', features = '{}'")
    assert (await here.send("submitApplication", "", None, **values)).codes == ["FEATURE_DISABLED"]


async def test_a_suspended_school_takes_no_applications(here: Scene):
    here.world.as_owner("admission", "update admission.tenants set status = 'SUSPENDED'")
    sent = await here.send("submitApplication", "", None, **{"periodId": str(here.period.id)} | FORM)
    assert sent.codes == ["TENANT_SUSPENDED"]
    assert (await here.ask(STATUS, None, number=here.applied.number, birthDate="2012-03-04")).codes == [
        "TENANT_SUSPENDED"
    ]


async def test_whatever_is_wrong_the_status_is_the_same_null(here: Scene, there: Scene):
    number, secret = here.applied.number, here.applied.secret
    right = (
        {"secret": secret},
        {"secret": secret.lower().replace("-", " ")},
        {"birthDate": "2012-03-04"},
        {"secret": secret, "birthDate": "2012-03-04"},
    )
    for given in right:
        assert (await here.ask(STATUS, None, number=f" {number.lower()}", **given)).ok()["applicationStatus"]
    wrong = (
        {},
        {"secret": "AAAA-AAAA-AAAA-AAAA"},
        {"birthDate": "2012-03-05"},
        {"secret": secret, "birthDate": "2012-03-05"},
        {"secret": "AAAA", "birthDate": "2012-03-04"},
        {"secret": secret, "number": number[:-1] + "9"},
        {"birthDate": "2012-03-04", "number": "nothing"},
        {"secret": there.applied.secret},
        {"secret": "é\u202e", "number": ""},
        {"secret": "\0", "number": "\0"},
    )
    for given in wrong:
        assert (await here.ask(STATUS, None, **{"number": number} | given)).ok() == {"applicationStatus": None}


async def test_the_next_step_is_told_in_the_readers_language(here: Scene):
    variables = {"number": here.applied.number, "secret": here.applied.secret}
    answer = await here.graph(
        STATUS, variables, tenant_id=here.world.tenant_id, headers={"accept-language": "en-GB,en"}
    )
    assert answer.ok()["applicationStatus"]["nextStep"].startswith("Pay the registration fee")
    await here.world.verify(here.application_id)
    assert (await here.ask(STATUS, None, **variables)).ok()["applicationStatus"] == {
        "number": here.applied.number,
        "status": "VERIFIED",
        "nextStep": "Tunggu pengumuman hasil seleksi.",
    }


@pytest.mark.parametrize("role", ROLES)
async def test_staff_read_applications_and_nobody_else(here: Scene, there: Scene, role: str):
    one = "query($id: ID!) { application(id: $id) { fullName birthDate paymentStatus period { name } } }"
    answer = await here.ask(one, role, id=here.application_id)
    listed = await here.ask("{ applications { nodes { number } totalCount } }", role)
    if role in STAFF:
        assert answer.ok()["application"] == {
            "fullName": "Siti Rahma",
            "birthDate": "2012-03-04",
            "paymentStatus": "UNPAID",
            "period": {"name": "Gelombang 1"},
        }
        assert listed.ok()["applications"] == {"nodes": [{"number": here.applied.number}], "totalCount": 1}
    else:
        assert answer.codes == ["FORBIDDEN"]
        assert set(listed.codes) == {"FORBIDDEN"}
    assert (await here.ask(one, "principal", id=there.application_id)).ok() == {"application": None}


async def test_applications_are_filtered_searched_and_counted(here: Scene):
    await here.submit()
    await here.world.verify(here.application_id)
    cases = {
        '{search: "sant bud"}': ["Budi Santoso"],
        '{search: "rah"}': ["Siti Rahma"],
        '{search: "ahma"}': [],
        "{status: {eq: VERIFIED}}": ["Siti Rahma"],
        '{paymentStatus: {eq: "UNPAID"}, status: {in: [SUBMITTED]}}': ["Budi Santoso"],
        f'{{periodId: {{eq: "{here.period.id}"}}}}': ["Budi Santoso", "Siti Rahma"],
        f'{{periodId: {{eq: "{here.draft.id}"}}}}': [],
    }
    for given, names in cases.items():
        query = f"{{ applications(filter: {given}, orderBy: [FULL_NAME_ASC]) {{ nodes {{ fullName }} }} }}"
        found = (await here.ask(query)).ok()["applications"]["nodes"]
        assert [each["fullName"] for each in found] == names, given
    query = "{ applicationAggregates(groupBy: [STATUS]) { keys { status } count } }"
    groups = (await here.ask(query)).ok()["applicationAggregates"]
    assert {group["keys"]["status"]: group["count"] for group in groups} == {"SUBMITTED": 1, "VERIFIED": 1}


async def test_the_school_s_figures_count_what_waits(here: Scene, there: Scene):
    query = (
        "query($keys: [_Any!]!) { _entities(representations: $keys) { ... on SchoolOverview { openApplications } } }"
    )

    async def open_applications(scene: Scene, actor: str) -> object:
        keys = [{"__typename": "SchoolOverview", "id": str(scene.world.tenant_id)}]
        return await scene.graph(query, {"keys": keys}, actor=scene.actors[actor])

    await here.submit()
    assert (await open_applications(here, "principal")).ok() == {"_entities": [{"openApplications": 2}]}
    await here.world.verify(here.application_id)
    assert (await open_applications(here, "principal")).ok() == {"_entities": [{"openApplications": 1}]}
    assert (await open_applications(there, "principal")).ok() == {"_entities": [{"openApplications": 1}]}
    assert "FORBIDDEN" in (await open_applications(here, "parent")).codes


@pytest.mark.parametrize("role", ROLES)
async def test_verify_application_by_role(here: Scene, role: str):
    answer = await here.change("verifyApplication", VERIFIED, role, applicationId=str(here.application_id))
    if role in ("school_admin", "admission_staff"):
        assert answer["application"]["status"] == "VERIFIED"
        assert answer["application"]["verifiedAt"]
    else:
        assert answer["code"] == "FORBIDDEN"


async def test_every_way_a_verification_is_refused(here: Scene, there: Scene):
    await here.world.verify(here.application_id)
    again = await here.change("verifyApplication", VERIFIED, applicationId=str(here.application_id))
    assert (again["code"], again["status"]) == ("APPLICATION_NOT_SUBMITTED", "VERIFIED")
    for unknown in (there.application_id, new_id()):
        refused = await here.change("verifyApplication", VERIFIED, applicationId=str(unknown))
        assert refused["code"] == "NOT_FOUND"
    assert {row["status"] for row in there.world.applications()} == {"SUBMITTED"}


async def test_a_school_without_the_feature_verifies_nothing(here: Scene):
    here.world.as_owner("admission", "update admission.tenants set features = '{}'")
    sent = await here.send("verifyApplication", VERIFIED, "school_admin", applicationId=str(here.application_id))
    assert sent.codes == ["FEATURE_DISABLED"]


async def test_nothing_of_a_person_is_logged(here: Scene, caplog: pytest.LogCaptureFixture, capsys):
    submitted = await here.submit()
    await here.ask(STATUS, None, number=submitted["number"], secret=submitted["secret"])
    written = caplog.text + capsys.readouterr().out
    assert "/graphql" in written
    for value in ("Budi", "Santoso", "3307010605120001", "sri@", "81298765432", "2012-05-06", submitted["secret"]):
        assert value not in written
