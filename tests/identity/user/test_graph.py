"""Accounts through the graph: who sees whom, and every answer of the mutations."""

import dataclasses

import pytest

from libs.crypto import KeyRing
from libs.events.contracts.identity import UserInvited
from libs.events.sealing import unseal_event
from libs.kernel import PLATFORM_TENANT_ID, new_id
from libs.testing import actor_of
from tests.identity.conftest import PASSWORD

INVITE = """mutation($input: InviteUserInput!) { inviteUser(input: $input) { __typename
  ... on InviteUserSuccess { user { id name email phone status language roles { name } } }
  ... on UserError { code } ... on InvalidInput { fields { path code } } } }"""
ACCEPT = """mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { __typename
  ... on AcceptInvitationSuccess { user { id email status } }
  ... on UserError { code } ... on WeakPassword { rules } } }"""
USERS = "{ users(orderBy: [NAME_ASC]) { totalCount nodes { name } } }"
DEWI = {"name": "Dewi Lestari", "email": "Dewi@Guru.test", "phone": "0812-3456-7890", "roles": ["teacher"]}


@pytest.fixture
async def people(add_user, school, other_school):
    """One of each kind in the school, and a stranger."""
    roles = ("school_admin", "principal", "teacher", "student", "parent", "finance_staff", "admission_staff")
    made = {role: await add_user(school, role, name=f"Person {role}", email=f"{role}@x.test") for role in roles}
    made["stranger"] = await add_user(other_school, "teacher", name="Person stranger", email="stranger@x.test")
    return made


async def test_me_is_the_own_account_with_contact_and_roles(graph, people):
    query = "{ me { id name email phone status language roles { name permissions } } }"
    for role in ("teacher", "parent", "student", "school_admin"):
        me = (await graph(query, actor=people[role])).ok()["me"]
        assert (me["id"], me["email"]) == (str(people[role].user_id), f"{role}@x.test")
        assert (me["phone"], me["status"], me["language"]) == ("+6281234567890", "ACTIVE", "id")
        assert [each["name"] for each in me["roles"]] == [role]
        assert me["roles"][0]["permissions"] == sorted(people[role].permissions)


@pytest.mark.parametrize("query", ["{ me { id } }", USERS, "{ roles { name } }", "{ tenant { id } }"])
async def test_nobody_reads_without_signing_in(graph, query):
    assert (await graph(query)).codes == ["UNAUTHENTICATED"]


STAFF = {"school_admin", "principal", "teacher", "finance_staff", "admission_staff"}


@pytest.mark.parametrize("role", [*sorted(STAFF), "student", "parent"])
async def test_who_is_listed_for_whom(graph, people, role):
    page = (await graph(USERS, actor=people[role])).ok()["users"]
    expected = STAFF | {"student", "parent"} if role in STAFF else STAFF | {role}
    assert [node["name"] for node in page["nodes"]] == sorted(f"Person {each}" for each in expected)
    assert page["totalCount"] == len(expected)


@pytest.mark.parametrize(
    ("role", "contact", "roles"),
    [
        ("school_admin", True, True),
        ("principal", True, True),
        ("finance_staff", True, True),
        ("teacher", False, True),
        ("admission_staff", False, True),
        ("parent", False, False),
        ("student", False, False),
    ],
)
async def test_contact_and_roles_of_others(graph, people, role, contact, roles):
    target = people["principal" if role != "principal" else "teacher"]
    query = "query($id: ID!) { user(id: $id) { name email phone roles { name } } }"
    answer = await graph(query, {"id": target.user_id}, actor=people[role])
    user = answer.data["user"]
    assert (user["email"] == target.email) is contact
    assert (user["email"] is None) is not contact
    assert (user["roles"] is None) is not roles
    refused = [] if contact else ["email", "phone"]
    refused += [] if roles else ["roles"]
    assert sorted(str(error["path"][-1]) for error in answer.errors) == sorted(refused)
    assert set(answer.codes) <= {"FORBIDDEN"}


async def test_reading_contacts_is_one_entry_of_the_log(graph, people, school, as_owner):
    query = "{ users(first: 3) { nodes { id email phone } } }"
    nodes = (await graph(query, actor=people["school_admin"])).ok()["users"]["nodes"]
    rows = as_owner("identity", "select * from identity.audit_logs where action = 'user.read'")
    assert [(row["tenant_id"], row["user_id"]) for row in rows] == [(school, people["school_admin"].user_id)]
    assert sorted(rows[0]["new_values"]["ids"]) == sorted(node["id"] for node in nodes)


async def test_another_schools_people_do_not_exist(graph, people):
    query = "query($id: ID!) { user(id: $id) { name } }"
    for actor in (people["school_admin"], people["parent"]):
        assert (await graph(query, {"id": people["stranger"].user_id}, actor=actor)).ok() == {"user": None}
    assert (await graph(query, {"id": people["stranger"].user_id}, actor=people["stranger"])).ok()["user"]
    entities = "query($of: [_Any!]!) { _entities(representations: $of) { ... on User { name } } }"
    of = [{"__typename": "User", "id": str(people[name].user_id)} for name in ("stranger", "teacher", "student")]
    assert (await graph(entities, {"of": of}, actor=people["parent"])).ok()["_entities"] == [
        None,
        {"name": "Person teacher"},
        None,
    ]
    assert (await graph(entities, {"of": of}, actor=people["principal"])).ok()["_entities"][1:] == [
        {"name": "Person teacher"},
        {"name": "Person student"},
    ]


async def test_search_and_filters(graph, people):
    query = "query($filter: UserFilter) { users(filter: $filter) { nodes { name } } }"

    async def found(actor, **filter):
        page = await graph(query, {"filter": filter}, actor=people[actor])
        return [node["name"] for node in page.ok()["users"]["nodes"]]

    assert await found("teacher", search="PERS tea") == ["Person teacher"]
    assert await found("parent", search="stu") == []
    assert await found("parent", search="princ") == ["Person principal"]
    assert await found("teacher", status={"eq": "INVITED"}) == []
    assert await found("teacher", search="stranger") == []


async def test_an_invitation_answers_with_the_account(graph, people, events):
    answer = (await graph(INVITE, {"input": DEWI}, actor=people["school_admin"])).ok()["inviteUser"]
    assert answer["__typename"] == "InviteUserSuccess"
    user = answer["user"]
    assert (user["email"], user["phone"], user["status"]) == ("Dewi@Guru.test", "+6281234567890", "INVITED")
    assert (user["language"], user["roles"]) == ("id", [{"name": "teacher"}])
    assert len(events("UserInvited")) == 1


@pytest.mark.parametrize(
    ("change", "code", "paths"),
    [
        ({"email": "PRINCIPAL@x.test"}, "EMAIL_TAKEN", []),
        ({"email": "no address"}, "INVALID_INPUT", ["input.email"]),
        ({"phone": "12"}, "INVALID_INPUT", ["input.phone"]),
        ({"name": "a\u0000b", "email": "x"}, "INVALID_INPUT", ["input.name", "input.email"]),
        ({"name": "x" * 201}, "INVALID_INPUT", ["input.name"]),
        ({"roles": []}, "INVALID_INPUT", ["input.roles"]),
        ({"language": "fr"}, "INVALID_INPUT", ["input.language"]),
        ({"roles": ["wizard"]}, "NOT_FOUND", []),
    ],
)
async def test_what_an_invitation_can_be_refused_for(*, graph, people, as_owner, change, code, paths):
    before = as_owner("identity", "select count(*) as n from identity.users")
    answer = (await graph(INVITE, {"input": DEWI | change}, actor=people["school_admin"])).ok()["inviteUser"]
    assert answer["code"] == code
    assert [field["path"] for field in answer.get("fields", [])] == paths
    assert as_owner("identity", "select count(*) as n from identity.users") == before


@pytest.mark.parametrize("role", ["principal", "teacher", "student", "parent", "finance_staff", "admission_staff"])
async def test_only_administrators_invite(graph, people, role):
    assert (await graph(INVITE, {"input": DEWI}, actor=people[role])).ok()["inviteUser"]["code"] == "FORBIDDEN"


async def test_an_actor_cannot_invite_beyond_what_they_hold(graph, people):
    few = dataclasses.replace(people["teacher"], permissions=frozenset({"user:invite", "user:read"}))
    assert (await graph(INVITE, {"input": DEWI}, actor=few)).ok()["inviteUser"]["code"] == "FORBIDDEN"


async def test_a_repeated_request_invites_once(graph, people, events):
    headers = {"Idempotency-Key": str(new_id())}
    ids = set()
    for _ in range(2):
        answer = await graph(INVITE, {"input": DEWI}, actor=people["school_admin"], headers=headers)
        ids.add(answer.ok()["inviteUser"]["user"]["id"])
    assert len(ids) == len(events("UserInvited")) == 1


@pytest.fixture
async def token(graph, people, events, settings):
    await graph(INVITE, {"input": DEWI}, actor=people["school_admin"])
    row = events("UserInvited")[-1]
    return unseal_event(KeyRing.from_settings(settings), row["tenant_id"], UserInvited, row["data"]).secret["token"]


async def test_an_invitation_is_accepted_without_a_tenant_header(graph, token):
    accepted = (await graph(ACCEPT, {"input": {"token": token, "password": PASSWORD}})).ok()["acceptInvitation"]
    assert accepted["user"] | {"id": ""} == {"id": "", "email": "Dewi@Guru.test", "status": "ACTIVE"}
    again = (await graph(ACCEPT, {"input": {"token": token, "password": PASSWORD}})).ok()["acceptInvitation"]
    assert again["code"] == "INVALID_TOKEN"


async def test_what_an_acceptance_can_be_refused_for(graph, token, other_school):
    weak = (await graph(ACCEPT, {"input": {"token": token, "password": "lestari"}})).ok()["acceptInvitation"]
    assert weak == {
        "__typename": "WeakPassword",
        "code": "WEAK_PASSWORD",
        "rules": ["LENGTH", "UPPER", "DIGIT", "SPECIAL", "SIMILAR"],
    }
    elsewhere = await graph(ACCEPT, {"input": {"token": token, "password": PASSWORD}}, tenant_id=other_school)
    assert elsewhere.ok()["acceptInvitation"]["code"] == "INVALID_TOKEN"
    for bad in ("", "x", "é" * 64, "A" * 64):
        answer = (await graph(ACCEPT, {"input": {"token": bad, "password": PASSWORD}})).ok()["acceptInvitation"]
        assert answer["code"] in {"INVALID_TOKEN", "INVALID_INPUT"}


async def test_a_platform_administrator_reads_a_school_by_naming_it(graph, people, school, as_owner):
    admin = actor_of("super_admin", school, acting_on=school)
    page = (await graph("{ users { totalCount nodes { email } } }", actor=admin)).ok()["users"]
    assert page["totalCount"] == 7
    rows = as_owner(
        "identity", "select tenant_id, about_tenant_id from identity.audit_logs where action = 'user.read' order by 2"
    )
    assert [(row["tenant_id"], row["about_tenant_id"]) for row in rows] == [
        (PLATFORM_TENANT_ID, school),
        (school, None),
    ]


@pytest.mark.parametrize("role", ["school_admin", "principal", "finance_staff"])
async def test_an_address_finds_its_account_whatever_its_case(graph, people, role):
    query = "query($email: EmailAddress) { users(filter: {email: {eq: $email}}) { nodes { name } } }"
    for email, found in (
        ("TEACHER@X.test", ["Person teacher"]),
        ("stranger@x.test", []),
        ("teacher@x.tes", []),
        ("", []),
    ):
        page = (await graph(query, {"email": email}, actor=people[role])).ok()["users"]
        assert [node["name"] for node in page["nodes"]] == found


@pytest.mark.parametrize("role", ["teacher", "admission_staff", "parent", "student"])
async def test_an_address_tells_nothing_to_who_may_not_read_addresses(graph, people, role):
    query = 'query { users(filter: {not: {email: {eq: "teacher@x.test"}}}) { totalCount } }'
    answer = await graph(query, actor=people[role])
    assert answer.codes == ["FORBIDDEN"]
    await graph("{ users(filter: {email: {eq: null}}) { totalCount } }", actor=people["principal"])


async def test_figures_know_an_address_too(graph, people):
    query = 'query { userAggregates(filter: {email: {eq: "teacher@x.test"}}) { count } }'
    assert (await graph(query, actor=people["principal"])).ok() == {"userAggregates": [{"count": 1}]}


HOLDERS = "query($role: UserRoleFilter) { users(filter: {role: $role}, orderBy: [NAME_ASC]) { nodes { name } } }"


async def test_accounts_are_found_by_the_roles_they_hold_today(graph, people, school, as_owner):
    """The school's own roles by name too; a hat of yesterday or tomorrow is none, and a school's row for a system role."""
    own, core = new_id(), new_id()
    for role, name, system in ((own, "Wali asrama", False), (core, "student", True)):
        as_owner(
            "identity",
            "insert into identity.roles (tenant_id, id, name, is_system_role) values (%s, %s, %s, %s)",
            (school, role, name, system),
        )
    hats = [("parent", own, None, -1, 0), ("teacher", None, "principal", -9, -1), ("student", None, "principal", 1, 9)]
    for person, role, system, first, last in hats:
        as_owner(
            "identity",
            """insert into identity.user_roles (tenant_id, id, user_id, role_id, system_role, valid_from, valid_until)
            select %s, %s, %s, %s, %s, today + %s, today + %s
            from (select (now() at time zone 'Asia/Jakarta')::date as today) as d""",
            (school, new_id(), people[person].user_id, role, system, first, last),
        )

    async def found(**role):
        page = await graph(HOLDERS, {"role": role}, actor=people["teacher"])
        return [node["name"].removeprefix("Person ") for node in page.ok()["users"]["nodes"]]

    assert await found(eq="principal") == ["principal"]
    assert await found(**{"in": ["Wali asrama", "teacher", "stranger"]}) == ["parent", "teacher"]
    assert await found(eq="student") == ["student"]
    assert await found(eq="wali asrama") == []
    assert (await graph(HOLDERS, {"role": {"eq": "principal"}}, actor=people["parent"])).codes == ["FORBIDDEN"]
