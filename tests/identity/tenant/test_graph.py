"""Schools through the graph."""

import pytest

from libs.kernel import PLATFORM_TENANT_ID
from libs.testing import actor_of

CREATE = """mutation($input: CreateTenantInput!) { createTenant(input: $input) { __typename
  ... on CreateTenantSuccess { tenant { id slug name npsn level timezone status features } }
  ... on UserError { code } ... on InvalidInput { fields { path code } } } }"""
IMPORT = """mutation($input: ImportTenantsInput!) { importTenants(input: $input) { __typename
  ... on ImportTenantsSuccess { created updated unchanged }
  ... on UserError { code } ... on InvalidInput { fields { path code } } } }"""
GP = {"slug": "gp", "name": "SMA Gabriel Pereira", "npsn": "20300001", "level": "SMA", "timezone": "Asia/Jakarta"}
REGISTER = "npsn;name;level;ownership;district_code\r\n20306577;SD 3;SD;NEGERI;3307070\r\n"
SCHOOL_ROLES = ["school_admin", "principal", "teacher", "student", "parent", "finance_staff", "admission_staff"]


@pytest.fixture
def platform():
    return actor_of("super_admin", PLATFORM_TENANT_ID)


@pytest.fixture
async def gp(graph, platform):
    made = (await graph(CREATE, {"input": GP}, actor=platform)).ok()["createTenant"]
    return made["tenant"]


async def test_a_school_is_made_and_found(graph, platform, gp):
    assert gp | {"id": ""} == GP | {
        "id": "",
        "status": "ACTIVE",
        "features": ["ATTENDANCE", "GRADING", "FINANCE", "ADMISSION"],
    }
    for arguments in ('slug: "gp"', 'npsn: "20300001"', 'slug: "GP", npsn: "20300001"'):
        found = (await graph(f"{{ publicSchool({arguments}) {{ id name }} }}")).ok()["publicSchool"]
        assert found == {"id": gp["id"], "name": GP["name"]}
    for arguments in ('slug: "no"', 'slug: "gp", npsn: "20300002"', 'slug: "platform"', ""):
        shown = f"({arguments})" if arguments else ""
        assert (await graph(f"{{ publicSchool{shown} {{ id }} }}")).ok() == {"publicSchool": None}


async def test_every_school_reads_itself_and_no_list(graph, gp, school):
    for role in SCHOOL_ROLES:
        assert (await graph("{ tenant { slug } }", actor=actor_of(role, school))).ok()["tenant"] == {"slug": "school"}
        answer = await graph("{ tenants { totalCount nodes { slug } } }", actor=actor_of(role, school))
        assert (answer.data, answer.codes) == (None, ["FORBIDDEN"])
    entities = "query($of: [_Any!]!) { _entities(representations: $of) { ... on Tenant { slug } } }"
    of = [{"__typename": "Tenant", "id": gp["id"]}, {"__typename": "Tenant", "id": str(school)}]
    mine = (await graph(entities, {"of": of}, actor=actor_of("teacher", school))).ok()
    assert mine["_entities"] == [None, {"slug": "school"}]


async def test_the_platform_lists_schools_and_is_none(graph, platform, gp, school, other_school):
    query = "{ tenants(orderBy: [SLUG_ASC], first: 2) { totalCount nodes { slug } pageInfo { hasNextPage endCursor } } tenant { id } }"
    answer = (await graph(query, actor=platform)).ok()
    assert answer["tenant"] is None
    assert [node["slug"] for node in answer["tenants"]["nodes"]] == ["gp", "other-school"]
    assert answer["tenants"]["totalCount"] == 3
    assert answer["tenants"]["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize("role", SCHOOL_ROLES)
async def test_no_school_makes_schools(graph, school, role, as_owner):
    before = as_owner("identity", "select count(*) as n from identity.tenants")
    actor = actor_of(role, school)
    assert (await graph(CREATE, {"input": GP}, actor=actor)).ok()["createTenant"]["code"] == "FORBIDDEN"
    given = {"input": {"file": {"text": REGISTER}}}
    assert (await graph(IMPORT, given, actor=actor)).ok()["importTenants"]["code"] == "FORBIDDEN"
    assert as_owner("identity", "select count(*) as n from identity.tenants") == before


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"slug": "platform"}, ["input.slug"]),
        ({"slug": "G P", "timezone": "Europe/Berlin"}, ["input.slug", "input.timezone"]),
        ({"npsn": "123"}, ["input.npsn"]),
        ({"name": "a\u0000"}, ["input.name"]),
        ({"admin": {"name": "", "email": "x"}}, ["input.admin.name", "input.admin.email"]),
    ],
)
async def test_what_a_school_can_be_refused_for(graph, platform, change, paths, as_owner):
    before = as_owner("identity", "select count(*) as n from identity.tenants")
    answer = (await graph(CREATE, {"input": GP | change}, actor=platform)).ok()["createTenant"]
    assert [field["path"] for field in answer["fields"]] == paths
    assert as_owner("identity", "select count(*) as n from identity.tenants") == before


async def test_a_slug_is_given_once(graph, platform, gp):
    answer = (await graph(CREATE, {"input": GP}, actor=platform)).ok()["createTenant"]
    assert answer["fields"] == [{"path": "input.slug", "code": "TAKEN"}]


async def test_an_administrator_is_invited_into_the_new_school(graph, platform, events):
    admin = {"name": "Ratna Sari", "email": "ratna@gp.test"}
    made = (await graph(CREATE, {"input": GP | {"admin": admin}}, actor=platform)).ok()["createTenant"]["tenant"]
    (invited,) = events("UserInvited")
    assert str(invited["tenant_id"]) == made["id"]


async def test_a_register_through_the_graph(graph, platform):
    given = {"input": {"file": {"text": REGISTER}}}
    dry = await graph(IMPORT, {"input": given["input"] | {"dryRun": True}}, actor=platform)
    assert dry.ok()["importTenants"] == {
        "__typename": "ImportTenantsSuccess",
        "created": 1,
        "updated": 0,
        "unchanged": 0,
    }
    for created, unchanged in ((1, 0), (0, 1)):
        answer = (await graph(IMPORT, given, actor=platform)).ok()["importTenants"]
        assert (answer["created"], answer["updated"], answer["unchanged"]) == (created, 0, unchanged)


@pytest.mark.parametrize(
    ("file", "paths"),
    [
        ({}, ["input.file.text"]),
        ({"text": REGISTER + "1;;SD;NEGERI;3307070\n"}, ["input.file.text[3].npsn", "input.file.text[3].name"]),
        (
            {"text": "nothing"},
            [f"input.file.text[1].{column}" for column in ("npsn", "name", "level", "ownership", "district_code")],
        ),
    ],
)
async def test_a_register_with_faults_loads_nothing(graph, platform, file, paths, as_owner):
    before = as_owner("identity", "select count(*) as n from identity.tenants")
    answer = (await graph(IMPORT, {"input": {"file": file}}, actor=platform)).ok()["importTenants"]
    assert [field["path"] for field in answer["fields"]] == paths
    assert as_owner("identity", "select count(*) as n from identity.tenants") == before
