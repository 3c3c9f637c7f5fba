"""Platform administration through the graph: the list of schools, and what is done to one of them."""

import pytest

from libs.auth import SYSTEM_ROLES, system_binding
from libs.kernel import PLATFORM_TENANT_ID, new_id
from libs.testing import actor_of
from subgraphs.identity.tenant.model import CountedPerson, CountedStorage

UPDATE = """mutation($input: UpdateTenantInput!) { updateTenant(input: $input) { __typename
  ... on UpdateTenantSuccess { tenant { id name npsn timezone registrationRole version quotas { maxStudents } } }
  ... on UserError { code } ... on InvalidInput { fields { path code } } ... on Conflict { currentVersion } } }"""
CONFIGURE = """mutation($input: ConfigureTenantInput!) { configureTenant(input: $input) { __typename
  ... on ConfigureTenantSuccess { tenant { id features version quotas { maxStudents maxTeachers storageGb } } }
  ... on UserError { code } ... on InvalidInput { fields { path code } } ... on Conflict { currentVersion } } }"""
SUSPEND = """mutation($input: SuspendTenantInput!) { suspendTenant(input: $input) { __typename
  ... on SuspendTenantSuccess { tenant { id status version } }
  ... on UserError { code } ... on InvalidInput { fields { path code } } } }"""
RESUME = SUSPEND.replace("suspend", "resume").replace("Suspend", "Resume")
SCHOOL_ROLES = [role for role in SYSTEM_ROLES if role != "super_admin"]
ADMIN = actor_of("super_admin", PLATFORM_TENANT_ID)
USAGE = "tenant { quotas { maxStudents maxTeachers storageGb } usage { students teachers storageMegabytes } }"
NONE = {"maxStudents": None, "maxTeachers": None, "storageGb": None}


@pytest.fixture
def tenants(as_owner):
    def rows():
        return as_owner("identity", "select * from identity.tenants order by slug")

    return rows


def about(school, **given):
    return {"input": {"tenantId": school, "reason": "Kontrak berakhir"} | given}


async def test_a_school_admin_changes_the_own_entry(graph, school, other_school):
    admin = actor_of("school_admin", school)
    given = {"name": "SMA Baru", "npsn": "2030000a", "timezone": "Asia/Jayapura", "registrationRole": "STUDENT"}
    done = (await graph(UPDATE, {"input": given | {"expectedVersion": 1}}, actor=admin)).ok()["updateTenant"]
    shown = given | {"npsn": "2030000A", "id": str(school), "version": 2, "quotas": {"maxStudents": None}}
    assert done == {"__typename": "UpdateTenantSuccess", "tenant": shown}
    closed = (await graph(UPDATE, {"input": {"registrationRole": None, "expectedVersion": 2}}, actor=admin)).ok()[
        "updateTenant"
    ]["tenant"]
    assert (closed["registrationRole"], closed["name"]) == (None, "SMA Baru")
    stale = await graph(UPDATE, {"input": {"name": "x", "expectedVersion": 2}}, actor=admin)
    assert stale.ok()["updateTenant"] == {"__typename": "Conflict", "code": "CONFLICT", "currentVersion": 3}
    wrong = {"name": None, "timezone": None, "npsn": "123", "expectedVersion": 3}
    answer = (await graph(UPDATE, {"input": wrong}, actor=admin)).ok()["updateTenant"]
    assert [fault["path"] for fault in answer["fields"]] == ["input.name", "input.timezone"]
    taken = await graph(
        UPDATE, {"input": {"npsn": "2030000A", "expectedVersion": 1}}, actor=actor_of("school_admin", other_school)
    )
    assert taken.ok()["updateTenant"]["fields"] == [{"path": "input.npsn", "code": "TAKEN"}]


async def test_the_platform_changes_a_school_by_naming_it(graph, school, other_school, tenants, audited):
    acting = actor_of("super_admin", PLATFORM_TENANT_ID, acting_on=school)
    answer = (await graph(UPDATE, {"input": {"name": "SMA Baru", "expectedVersion": 1}}, actor=acting)).ok()[
        "updateTenant"
    ]
    assert (answer["tenant"]["id"], answer["tenant"]["name"]) == (str(school), "SMA Baru")
    assert audited(school) == ["tenant.updated"]
    assert audited(PLATFORM_TENANT_ID)[-1] == "tenant.updated"
    at_home = (await graph(UPDATE, {"input": {"name": "x", "expectedVersion": 1}}, actor=ADMIN)).ok()["updateTenant"]
    assert at_home["code"] == "NOT_FOUND"
    assert [row["name"] for row in tenants()] == ["School other-school", "Wiyata", "SMA Baru"]


async def test_the_platform_configures_and_everybody_reads_what_is_theirs(graph, database, school, other_school):
    async with database.write(system_binding(school)) as tx:
        kinds = [("STUDENT", True), ("STUDENT", True), ("STUDENT", False), ("TEACHER", True)]
        tx.add(*(CountedPerson(record_id=new_id(), kind=kind, counts=counts, sequence=1) for kind, counts in kinds))
        kept = [("academic", 5 * 2**30), ("operations", 1), ("identity", 0)]
        tx.add(*(CountedStorage(domain=domain, kept_bytes=size, sequence=1) for domain, size in kept))
    quotas = {"maxStudents": 300, "maxTeachers": 0, "storageGb": None}
    given = {"tenantId": school, "features": ["FINANCE", "ATTENDANCE"], "quotas": quotas, "expectedVersion": 1}
    done = (await graph(CONFIGURE, {"input": given}, actor=ADMIN)).ok()["configureTenant"]
    shown = {"id": str(school), "features": ["ATTENDANCE", "FINANCE"], "version": 2, "quotas": quotas}
    assert done == {"__typename": "ConfigureTenantSuccess", "tenant": shown}
    stale = (await graph(CONFIGURE, {"input": given}, actor=ADMIN)).ok()["configureTenant"]
    assert stale == {"__typename": "Conflict", "code": "CONFLICT", "currentVersion": 2}
    negative = {"tenantId": school, "quotas": {"maxStudents": -1}, "expectedVersion": 2}
    answer = (await graph(CONFIGURE, {"input": negative}, actor=ADMIN)).ok()["configureTenant"]
    assert [fault["path"] for fault in answer["fields"]] == ["input.quotas.maxStudents"]
    for role in ("school_admin", "principal"):
        mine = (await graph(f"{{ {USAGE} }}", actor=actor_of(role, school))).ok()["tenant"]
        assert mine == {"quotas": quotas, "usage": {"students": 2, "teachers": 1, "storageMegabytes": 5 * 1024 + 1}}
        theirs = (await graph(f"{{ {USAGE} }}", actor=actor_of(role, other_school))).ok()["tenant"]
        assert theirs == {"quotas": NONE, "usage": {"students": 0, "teachers": 0, "storageMegabytes": 0}}
    every = f"{{ tenants {{ nodes {{ slug {USAGE.removeprefix('tenant {').removesuffix('}')} }} }} }}"
    listed = {node.pop("slug"): node for node in (await graph(every, actor=ADMIN)).ok()["tenants"]["nodes"]}
    assert listed == {"school": mine, "other-school": theirs}


@pytest.mark.parametrize("role", [role for role in SCHOOL_ROLES if role not in {"school_admin", "principal"}])
async def test_what_a_school_may_have_is_nobody_elses_business(graph, school, role):
    answer = await graph("{ tenant { slug quotas { maxStudents } usage { students } } }", actor=actor_of(role, school))
    assert answer.data == {"tenant": {"slug": "school", "quotas": None, "usage": None}}
    assert answer.codes == ["FORBIDDEN", "FORBIDDEN"]


async def test_the_public_page_tells_no_quotas_but_whether_one_may_register(graph, school):
    answer = await graph(
        '{ publicSchool(slug: "school") { registrationRole quotas { maxStudents } usage { students } } }'
    )
    assert answer.data == {"publicSchool": {"registrationRole": None, "quotas": None, "usage": None}}
    assert answer.codes == ["FORBIDDEN", "FORBIDDEN"]


async def test_the_platform_suspends_and_resumes(graph, school, other_school, tenants):
    for _ in range(2):
        done = (await graph(SUSPEND, about(school), actor=ADMIN)).ok()["suspendTenant"]
        assert done["tenant"] == {"id": str(school), "status": "SUSPENDED", "version": 2}
    done = (await graph(RESUME, about(school), actor=ADMIN)).ok()["resumeTenant"]
    assert done["tenant"] == {"id": str(school), "status": "ACTIVE", "version": 3}
    for document, name in ((SUSPEND, "suspendTenant"), (RESUME, "resumeTenant")):
        for nobody in (new_id(), PLATFORM_TENANT_ID):
            assert (await graph(document, about(nobody), actor=ADMIN)).ok()[name]["code"] == "NOT_FOUND"
        blank = (await graph(document, about(other_school, reason=" "), actor=ADMIN)).ok()[name]
        assert blank["fields"] == [{"path": "input.reason", "code": "REQUIRED"}]
    assert {row["status"] for row in tenants()} == {"ACTIVE"}


@pytest.mark.parametrize("role", SCHOOL_ROLES)
async def test_no_school_does_what_is_the_platforms(graph, school, other_school, tenants, role):
    before = tenants()
    actor = actor_of(role, school)
    for target in (school, other_school, new_id()):
        for document, name in ((SUSPEND, "suspendTenant"), (RESUME, "resumeTenant")):
            assert (await graph(document, about(target), actor=actor)).ok()[name]["code"] == "FORBIDDEN"
        given = {"input": {"tenantId": target, "features": [], "expectedVersion": 1}}
        assert (await graph(CONFIGURE, given, actor=actor)).ok()["configureTenant"]["code"] == "FORBIDDEN"
    if role != "school_admin":
        answer = (await graph(UPDATE, {"input": {"name": "x", "expectedVersion": 1}}, actor=actor)).ok()["updateTenant"]
        assert answer["code"] == "FORBIDDEN"
    for document, given in ((UPDATE, {"input": {"name": "x", "expectedVersion": 1}}), (SUSPEND, about(other_school))):
        elsewhere = await graph(document, given, actor=actor, tenant_id=other_school)
        assert (elsewhere.data, elsewhere.codes) == (None, ["TENANT_MISMATCH"])
        nobody = await graph(document, given, tenant_id=school)
        assert nobody.codes == ["UNAUTHENTICATED"]
    assert tenants() == before


@pytest.fixture
async def register(graph, school, other_school):
    """Five more schools, one of them suspended."""
    create = """mutation($input: CreateTenantInput!) { createTenant(input: $input) {
      ... on CreateTenantSuccess { tenant { id } } } }"""
    ids = {}
    for number, (name, level) in enumerate(
        [("SMP Melati", "SMP"), ("sma melati 2", "SMA"), ("SMA Melati", "SMA"), ("SD Mawar", "SD"), ("SMA 100%", "SMK")]
    ):
        given = {"slug": f"s{number}", "name": name, "npsn": f"2030000{number}", "level": level}
        made = await graph(create, {"input": given | {"timezone": "Asia/Jakarta"}}, actor=ADMIN)
        ids[name] = made.ok()["createTenant"]["tenant"]["id"]
    (await graph(SUSPEND, about(ids["SMA Melati"]), actor=ADMIN)).ok()
    return ids


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"nameStartsWith": "sma mel"}, ["sma melati 2", "SMA Melati"]),
        ({"nameStartsWith": "SMA"}, ["sma melati 2", "SMA 100%", "SMA Melati"]),
        ({"nameStartsWith": "SMA 100%"}, ["SMA 100%"]),
        ({"nameStartsWith": "melati"}, []),
        ({"nameStartsWith": "%"}, []),
        ({"nameStartsWith": "SMA", "status": {"eq": "SUSPENDED"}}, ["SMA Melati"]),
        ({"level": {"in": ["SD", "SMP"]}}, ["SD Mawar", "SMP Melati"]),
        ({"npsn": {"eq": "20300003"}}, ["SD Mawar"]),
        ({"status": {"eq": "SUSPENDED"}}, ["SMA Melati"]),
        ({"not": {"nameStartsWith": "S"}}, []),
        ({"name": {"eq": "Wiyata"}}, []),
    ],
)
async def test_schools_are_found_by_name_status_level_and_number(graph, register, filters, names):
    query = "query($filter: TenantFilter) { tenants(filter: $filter, first: 50) { totalCount nodes { name } } }"
    found = (await graph(query, {"filter": filters}, actor=ADMIN)).ok()["tenants"]
    assert sorted(node["name"] for node in found["nodes"]) == sorted(names)
    assert found["totalCount"] == len(names)


async def test_figures_of_the_platform(graph, register, school):
    query = "{ tenantAggregates(groupBy: [STATUS, LEVEL]) { keys { status level } count } }"
    figures = (await graph(query, actor=ADMIN)).ok()["tenantAggregates"]
    found = {(each["keys"]["status"], each["keys"]["level"]): each["count"] for each in figures}
    assert found == {
        ("ACTIVE", "SMA"): 3,
        ("SUSPENDED", "SMA"): 1,
        ("ACTIVE", "SMP"): 1,
        ("ACTIVE", "SD"): 1,
        ("ACTIVE", "SMK"): 1,
    }
    for role in SCHOOL_ROLES:
        answer = await graph(query, actor=actor_of(role, school))
        assert (answer.data, answer.codes) == (None, ["FORBIDDEN"])
