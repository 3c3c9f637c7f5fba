"""Mutations: one transaction, typed errors, idempotency."""

import asyncio
import json
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from libs.settings import Settings
from libs.testing import GraphClient, actor_of
from libs.testing.plugin import OwnerRows

ADD = """mutation($input: AddShelfInput!) { addShelf(input: $input) { __typename
  ... on AddShelfSuccess { phone shelf { id name } } ... on UserError { code message }
  ... on InvalidInput { fields { path code message } } ... on NameTakenError { name } } }"""


def names(as_owner: OwnerRows) -> list[str]:
    return [row["name"] for row in as_owner("academic", "select name from academic.shelves order by name")]


async def test_success_reads_the_object_back(graph: GraphClient, school: UUID, as_owner: OwnerRows):
    answer = (
        await graph(ADD, {"input": {"name": " C ", "phone": "0812-3456-7890"}}, actor=actor_of("school_admin", school))
    ).ok()["addShelf"]
    assert answer["shelf"]["name"] == "C"
    assert answer["phone"] == "+6281234567890"
    assert names(as_owner) == ["A", "B", "C", "X"]


async def test_a_broken_constraint_is_its_domain_error_in_the_readers_language(
    graph: GraphClient, school: UUID, as_owner: OwnerRows
):
    admin = actor_of("school_admin", school)
    answer = (await graph(ADD, {"input": {"name": "A"}}, actor=admin)).ok()["addShelf"]
    assert answer == {
        "__typename": "NameTakenError",
        "code": "NAME_TAKEN",
        "message": "Nama A sudah dipakai.",
        "name": "A",
    }
    english = (await graph(ADD, {"input": {"name": "A"}}, actor=admin, headers={"accept-language": "en-GB"})).ok()[
        "addShelf"
    ]
    assert english["message"] == "The name A is taken."
    assert names(as_owner) == ["A", "B", "X"]


async def test_all_faults_at_once_and_nothing_written(graph: GraphClient, school: UUID, as_owner: OwnerRows):
    given = {"name": "x" * 21, "email": "nobody", "phone": "12", "size": 10}
    answer = (await graph(ADD, {"input": given}, actor=actor_of("school_admin", school))).ok()["addShelf"]
    assert [(fault["path"], fault["code"]) for fault in answer["fields"]] == [
        ("input.name", "TOO_LONG"),
        ("input.email", "INVALID_EMAIL"),
        ("input.phone", "INVALID_PHONE"),
        ("input.size", "TOO_LARGE"),
    ]
    assert names(as_owner) == ["A", "B", "X"]


@pytest.mark.parametrize("name", ["a\u0000b", "\u202e\u0007", "\ud800", "line\nbreak"])
async def test_characters_nobody_writes_are_refused(graph: GraphClient, school: UUID, name: str):
    body = '{"query": %s, "variables": {"input": {"name": %s}}}'
    token = graph.token(actor_of("school_admin", school))
    response = await graph.http.post(
        "/graphql",
        content=body % (json.dumps(ADD), json.dumps(name)),
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
    )
    answer = response.json()
    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    fields = (answer.get("data") or {}).get("addShelf", {}).get("fields")
    assert codes == ["BAD_REQUEST"] or [fault["code"] for fault in fields] == ["FORBIDDEN_CHARACTER"]


@pytest.mark.parametrize("name", ["🏫 Sekolah", "مدرسة", "Dewi-Sri O'Neil"])
async def test_names_of_people_and_places_pass(graph: GraphClient, school: UUID, name: str):
    answer = (await graph(ADD, {"input": {"name": name}}, actor=actor_of("school_admin", school))).ok()["addShelf"]
    assert answer["shelf"]["name"] == name


async def test_forbidden_is_a_member_and_nobody_is_a_top_level_error(
    graph: GraphClient, school: UUID, as_owner: OwnerRows
):
    answer = (await graph(ADD, {"input": {"name": "C"}}, actor=actor_of("student", school))).ok()["addShelf"]
    assert answer["code"] == "FORBIDDEN"
    assert (await graph(ADD, {"input": {"name": "C"}}, tenant_id=school)).codes == ["UNAUTHENTICATED"]
    assert names(as_owner) == ["A", "B", "X"]


async def test_a_public_mutation_needs_nobody(graph: GraphClient, school: UUID):
    assert (await graph("mutation { greet { __typename } }", tenant_id=school)).ok() == {
        "greet": {"__typename": "AddShelfSuccess"}
    }


NOTE = """mutation($input: LeaveNoteInput!) { leaveNote(input: $input) { ... on LeaveNoteSuccess { length }
  ... on InvalidInput { fields { path code } } } }"""


async def test_an_input_s_own_faults_are_told_with_all_others(graph: GraphClient, school: UUID):
    answer = await graph(NOTE, {"input": {"text": "x" * 10, "until": "2020-01-01"}}, tenant_id=school)
    assert [(fault["path"], fault["code"]) for fault in answer.ok()["leaveNote"]["fields"]] == [
        ("input.text", "TOO_LONG"),
        ("input.until", "IS_PAST"),
    ]


async def test_a_feature_that_is_off_hides_public_mutations_too(
    graph: GraphClient, school: UUID, other_school: UUID, as_owner: OwnerRows
):
    as_owner("academic", "update academic.tenants set features = '{GRADING}' where id = %s", (school,))
    note = {"input": {"text": "Hi", "until": "2199-01-01"}}
    assert (await graph(NOTE, note, tenant_id=school)).codes == ["FEATURE_DISABLED"]
    assert (await graph(NOTE, note, tenant_id=other_school)).ok() == {"leaveNote": {"length": 2}}


async def test_the_same_key_is_answered_again_and_done_once(graph: GraphClient, school: UUID, as_owner: OwnerRows):
    admin, headers = actor_of("school_admin", school), {"idempotency-key": str(uuid4())}
    answers = await asyncio.gather(
        *(graph(ADD, {"input": {"name": "C"}}, actor=admin, headers=headers) for _ in range(5))
    )
    assert len({answer.ok()["addShelf"]["shelf"]["id"] for answer in answers}) == 1
    assert names(as_owner) == ["A", "B", "C", "X"]
    other = await graph(ADD, {"input": {"name": "D"}}, actor=admin, headers=headers)
    assert other.codes == ["IDEMPOTENCY_CONFLICT"]
    assert names(as_owner) == ["A", "B", "C", "X"]


async def test_errors_are_not_kept_under_a_key(graph: GraphClient, school: UUID, as_owner: OwnerRows):
    admin, headers = actor_of("school_admin", school), {"idempotency-key": str(uuid4())}
    assert (await graph(ADD, {"input": {"name": "A"}}, actor=admin, headers=headers)).ok()["addShelf"][
        "code"
    ] == "NAME_TAKEN"
    as_owner("academic", "delete from academic.shelves where name = 'A'")
    assert (await graph(ADD, {"input": {"name": "A"}}, actor=admin, headers=headers)).ok()["addShelf"]["shelf"][
        "name"
    ] == "A"


async def test_a_key_that_is_no_uuid_is_refused(graph: GraphClient, school: UUID):
    answer = await graph(
        ADD, {"input": {"name": "C"}}, actor=actor_of("school_admin", school), headers={"idempotency-key": "1"}
    )
    assert answer.codes == ["BAD_REQUEST"]


async def test_a_suspended_school_is_refused(graph: GraphClient, school: UUID, as_owner: OwnerRows):
    as_owner("academic", "update academic.tenants set status = 'SUSPENDED' where id = %s", (school,))
    answer = await graph(ADD, {"input": {"name": "C"}}, actor=actor_of("school_admin", school))
    assert answer.codes == ["TENANT_SUSPENDED"]


BODIES = {
    "no json": (b"{", 400),
    "a list": (b"[]", 400),
    "a number": (b"1", 400),
    "no query": (b"{}", 400),
    "query is a number": (b'{"query": 1}', 400),
    "variables are a list": (b'{"query": "{ __typename }", "variables": [1]}', 400),
    "nested 10,000 deep": (b'{"query": "{ __typename }", "variables": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400),
    "document nested 1,000 deep": (b'{"query": "' + b"{a" * 1_000 + b"}" * 1_000 + b'"}', 400),
    "not utf-8": (b'{"query": "\xff"}', 400),
    "fragments in a circle": (
        b'{"query": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"}',
        200,
    ),
    "too deep": (b'{"query": "{ shelves ' + b"{ nodes { books " * 20 + b"{ totalCount }" + b" } }" * 20 + b' }"}', 200),
    "too many words": (b'{"query": "{ ' + b"__typename " * 5_000 + b'}"}', 200),
    "syntax": (b'{"query": "{"}', 200),
    "unknown field": (b'{"query": "{ nothing }"}', 200),
}


@pytest.mark.parametrize("name", BODIES)
async def test_malformed_bodies_get_a_typed_error(graph: GraphClient, school: UUID, name: str):
    body, status = BODIES[name]
    response = await graph.http.post(
        "/graphql", content=body, headers={"content-type": "application/json", "x-tenant-id": str(school)}
    )
    assert response.status_code == status
    expected = "DEPTH_LIMIT" if name == "too deep" else "BAD_REQUEST"
    assert response.json()["errors"][0]["extensions"]["code"] == expected


async def test_a_dead_database_is_unavailable(
    graph: GraphClient, school: UUID, settings: Settings, as_owner: OwnerRows
):
    admin = actor_of("school_admin", school)
    (await graph("{ books { totalCount } }", actor=admin)).ok()
    as_owner("academic", "alter table academic.books rename to gone")
    assert (await graph("{ books { totalCount } }", actor=admin)).codes == ["INTERNAL"]


WEIGH = """mutation($input: LeaveNoteInput!) { weighNote(input: $input) { __typename
  ... on LeaveNoteSuccess { length } ... on UserError { code } } }"""


async def test_what_is_prepared_reaches_the_operation_and_its_error_is_a_member(graph: GraphClient, school: UUID):
    actor = actor_of("parent", school)
    assert (await graph(WEIGH, {"input": {"text": "abc", "until": "2099-01-01"}}, actor=actor)).ok()["weighNote"][
        "length"
    ] == 3
    refused = (await graph(WEIGH, {"input": {"text": "-", "until": "2099-01-01"}}, actor=actor)).ok()["weighNote"]
    assert refused == {"__typename": "NameTakenError", "code": "NAME_TAKEN"}


@pytest.mark.parametrize(
    ("pending", "code"),
    [
        (set(), None),
        ({"PASSWORD_CHANGE"}, None),
        ({"SECOND_FACTOR"}, "SECOND_FACTOR_REQUIRED"),
        ({"PASSWORD_CHANGE", "SECOND_FACTOR"}, "SECOND_FACTOR_REQUIRED"),
    ],
)
async def test_a_duty_closes_what_does_not_settle_it(graph: GraphClient, school: UUID, pending, code):
    actor = replace(actor_of("parent", school), pending=frozenset(pending))
    answer = await graph(WEIGH, {"input": {"text": "abc", "until": "2099-01-01"}}, actor=actor)
    assert [error["extensions"]["code"] for error in answer.errors] == ([code] if code else [])


async def test_a_duty_leaves_reads_and_closes_other_mutations(graph: GraphClient, school: UUID, as_owner: OwnerRows):
    actor = replace(actor_of("school_admin", school), pending=frozenset({"PASSWORD_CHANGE"}))
    refused = await graph(ADD, {"input": {"name": "C"}}, actor=actor)
    assert [error["extensions"]["code"] for error in refused.errors] == ["PASSWORD_CHANGE_REQUIRED"]
    assert names(as_owner) == ["A", "B", "X"]
    assert (await graph("{ shelves { totalCount } }", actor=actor)).ok()["shelves"]["totalCount"] > 0
