"""Reads by declaration: relations, pages, filters, reach, entities."""

from uuid import UUID, uuid4

import pytest

from libs.kernel import PLATFORM_TENANT_ID
from libs.testing import GraphClient, actor_of
from libs.testing.plugin import OwnerRows
from tests.libs.graph import example


async def test_a_page_holds_only_the_schools_own_rows_with_their_relations(graph: GraphClient, school: UUID):
    answer = await graph(
        "{ shelves { totalCount nodes { name bookCount books(first: 2) { totalCount nodes { title shelf { name } } } firstBooks { title } } } }",
        actor=actor_of("principal", school),
    )
    assert answer.ok() == {
        "shelves": {
            "totalCount": 2,
            "nodes": [
                {
                    "name": "A",
                    "bookCount": 3,
                    "books": {"totalCount": 3, "nodes": [{"title": f"Book {n}", "shelf": {"name": "A"}} for n in "12"]},
                    "firstBooks": [{"title": f"Book {n}"} for n in "321"],
                },
                {
                    "name": "B",
                    "bookCount": 2,
                    "books": {"totalCount": 2, "nodes": [{"title": f"Book {n}", "shelf": {"name": "B"}} for n in "45"]},
                    "firstBooks": [{"title": f"Book {n}"} for n in "54"],
                },
            ],
        }
    }


async def test_pages_go_forth_and_back_by_cursor(graph: GraphClient, school: UUID):
    page = "nodes { title } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
    actor = actor_of("principal", school)
    first = (await graph(f"{{ books(first: 2) {{ {page} }} }}", actor=actor)).ok()["books"]
    assert [node["title"] for node in first["nodes"]] == ["Book 1", "Book 2"]
    assert (first["pageInfo"]["hasNextPage"], first["pageInfo"]["hasPreviousPage"]) == (True, False)
    after = f"query($c: String) {{ books(first: 9, after: $c) {{ {page} }} }}"
    rest = (await graph(after, {"c": first["pageInfo"]["endCursor"]}, actor=actor)).ok()["books"]
    assert [node["title"] for node in rest["nodes"]] == ["Book 3", "Book 4", "Book 5"]
    assert (rest["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasPreviousPage"]) == (False, True)
    before = f"query($c: String) {{ books(last: 1, before: $c) {{ {page} }} }}"
    back = (await graph(before, {"c": rest["pageInfo"]["startCursor"]}, actor=actor)).ok()["books"]
    assert [node["title"] for node in back["nodes"]] == ["Book 2"]
    assert (back["pageInfo"]["hasNextPage"], back["pageInfo"]["hasPreviousPage"]) == (True, True)


async def test_the_end_of_a_list_comes_in_its_order_without_cursors_too(graph: GraphClient, school: UUID):
    answer = await graph(
        "{ books(last: 2) { nodes { title } totalCount } shelves(last: 1) { nodes { name books(last: 2) { nodes { title } } } } }",
        actor=actor_of("principal", school),
    )
    last = [{"title": "Book 4"}, {"title": "Book 5"}]
    assert answer.ok() == {
        "books": {"nodes": last, "totalCount": 5},
        "shelves": {"nodes": [{"name": "B", "books": {"nodes": last}}]},
    }
    nothing = await graph("{ books(last: 0) { nodes { title } } }", actor=actor_of("principal", school))
    assert nothing.ok() == {"books": {"nodes": []}}


async def test_orders_with_a_tie_page_without_loss(graph: GraphClient, school: UUID):
    actor, cursor, seen = actor_of("principal", school), None, []
    for _ in range(5):
        answer = await graph(
            "query($c: String) { books(orderBy: [KIND_DESC], first: 1, after: $c) { edges { cursor node { title } } } }",
            {"c": cursor},
            actor=actor,
        )
        (edge,) = answer.ok()["books"]["edges"]
        cursor = edge["cursor"]
        seen.append(edge["node"]["title"])
    assert sorted(seen) == [f"Book {n}" for n in "12345"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: 101", "PAGE_TOO_LARGE"),
        ("last: 101", "PAGE_TOO_LARGE"),
        ("first: -1", "BAD_REQUEST"),
        ("first: 1, last: 1", "BAD_REQUEST"),
        ('after: "bm8"', "BAD_REQUEST"),
        ('after: "é"', "BAD_REQUEST"),
        ('before: "x", first: 1', "BAD_REQUEST"),
        ('filter: {id: {eq: "no"}}', "BAD_REQUEST"),
        ('filter: {printed: {eq: "1899-12-31"}}', "BAD_REQUEST"),
    ],
)
async def test_bad_arguments_get_a_typed_error(graph: GraphClient, school: UUID, arguments: str, code: str):
    answer = await graph(f"{{ books({arguments}) {{ nodes {{ id }} }} }}", actor=actor_of("principal", school))
    assert answer.codes == [code]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"or": [{}, {"id": {"eq": "no"}}]}, "filter.or[1].id.eq"),
        ({"id": {"in": [str(uuid4()), 5]}}, "filter.id.in[1]"),
        ({"or": [None]}, "filter.or[0]"),
        ({"nope": ": at .id: x"}, "filter"),
        (5, "filter"),
    ],
)
async def test_a_malformed_variable_is_told_with_its_path(graph: GraphClient, school: UUID, given: object, path: str):
    query = "query($filter: BookFilter) { books(filter: $filter) { nodes { id } } }"
    answer = await graph(query, {"filter": given}, actor=actor_of("principal", school))
    assert [error["extensions"] for error in answer.errors] == [{"code": "BAD_REQUEST", "path": path}]


async def test_a_cursor_of_another_order_is_refused(graph: GraphClient, school: UUID):
    actor = actor_of("principal", school)
    cursor = (await graph("{ books(first: 1) { pageInfo { endCursor } } }", actor=actor)).ok()["books"]["pageInfo"][
        "endCursor"
    ]
    answer = await graph(
        "query($c: String) { books(orderBy: [KIND_ASC], after: $c) { nodes { id } } }", {"c": cursor}, actor=actor
    )
    assert answer.codes == ["BAD_REQUEST"]


@pytest.mark.parametrize(
    ("given", "titles"),
    [
        ('{title: {eq: "Book 3"}}', "3"),
        ('{title: {in: ["Book 3", "Book 9"]}}', "3"),
        ('{title: {ne: "Book 3"}}', "1245"),
        ('{or: [{title: {eq: "Book 1"}}, {title: {eq: "Book 5"}}]}', "15"),
        ('{and: [{kind: {eq: NOVEL}}, {not: {title: {eq: "Book 1"}}}]}', "2345"),
        ("{or: []}", ""),
        ("{kind: {in: [ATLAS]}}", ""),
        ("{printed: {isNull: true}}", "12345"),
        ("{ownerId: {isNull: true}}", "12345"),
        (f'{{ownerId: {{ne: "{UUID(int=1)}"}}}}', "12345"),
        ("{ownerId: {isNull: false}}", ""),
        ("{ownerId: {}}", "12345"),
        ('{search: "boo 4"}', "4"),
        ('{search: "oo"}', ""),
    ],
)
async def test_filters(graph: GraphClient, school: UUID, given: str, titles: str):
    answer = await graph(
        f"{{ books(filter: {given}) {{ totalCount nodes {{ title }} }} }}", actor=actor_of("principal", school)
    )
    assert answer.ok()["books"] == {"totalCount": len(titles), "nodes": [{"title": f"Book {n}"} for n in titles]}


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ('{eq: "Book 1"}', "A"),
        ('{in: ["Book 1", "Book 4", "Book 9"]}', "AB"),
        ('{ne: "Book 1"}', "BC"),
        ('{eq: "Book 1", ne: "Book 2"}', ""),
        ("{isNull: true}", "C"),
        ("{isNull: false}", "AB"),
        ("{}", "ABC"),
    ],
)
async def test_filters_over_related_rows(graph: GraphClient, school: UUID, as_owner: OwnerRows, given: str, names: str):
    as_owner("academic", "insert into academic.shelves (tenant_id, name) values (%s, 'C')", (school,))
    answer = await graph(
        f"{{ shelves(filter: {{bookTitle: {given}}}) {{ nodes {{ name }} }} }}", actor=actor_of("principal", school)
    )
    assert answer.ok()["shelves"]["nodes"] == [{"name": name} for name in names]


async def test_a_name_that_python_keeps_is_read_and_filtered_without_its_underscore(graph: GraphClient, school: UUID):
    query = "{ books(filter: {class: {in: [NOVEL]}}, first: 1) { nodes { class } } }"
    answer = await graph(query, actor=actor_of("principal", school))
    assert answer.ok()["books"]["nodes"] == [{"class": "NOVEL"}]


async def test_own_reach_sees_what_the_predicate_leaves(graph: GraphClient, school: UUID, as_owner: OwnerRows):
    parent = actor_of("parent", school)
    as_owner(
        "academic", "update academic.books set owner_id = %s where title in ('Book 2', 'Book 9')", (parent.user_id,)
    )
    answer = await graph("{ books { totalCount nodes { title owner { id } } } }", actor=parent)
    assert answer.ok()["books"] == {
        "totalCount": 1,
        "nodes": [{"title": "Book 2", "owner": {"id": str(parent.user_id)}}],
    }


async def test_a_protected_column_is_in_no_statement_and_answers_no_question(graph: GraphClient, school: UUID):
    staff, principal = actor_of("admission_staff", school), actor_of("principal", school)
    assert (await graph("{ books(first: 1) { nodes { price } } }", actor=principal)).ok()["books"]["nodes"] == [
        {"price": "NOVEL"}
    ]
    refused = await graph("{ books(first: 2) { nodes { title price } } }", actor=staff)
    assert refused.data["books"]["nodes"] == [{"title": "Book 1", "price": None}, {"title": "Book 2", "price": None}]
    assert [error["path"] for error in refused.errors] == [["books", "nodes", n, "price"] for n in (0, 1)]
    for question in (
        '{ books(filter: {price: {eq: "NOVEL"}}) { totalCount } }',
        '{ books(filter: {not: {or: [{price: {eq: "NOVEL"}}]}}) { totalCount } }',
        "{ bookAggregates(groupBy: [PRICE]) { count } }",
    ):
        assert (await graph(question, actor=principal)).ok()
        assert (await graph(question, actor=staff)).codes == ["FORBIDDEN"]


async def test_a_protected_field_is_null_with_an_error_at_its_path(
    graph: GraphClient, school: UUID, as_owner: OwnerRows
):
    teacher = actor_of("finance_staff", school)
    as_owner("academic", "update academic.books set owner_id = %s where title = 'Book 2'", (teacher.user_id,))
    query = "{ books(first: 2) { nodes { title secret } } }"
    example.batches.clear()
    all_read = await graph(query, actor=actor_of("principal", school))
    assert [node["secret"] for node in all_read.ok()["books"]["nodes"]] == ["secret of Book 1", "secret of Book 2"]
    assert example.batches == [2]
    parent = actor_of("admission_staff", school, user_id=teacher.user_id)
    answer = await graph(query, actor=parent)
    assert [node["secret"] for node in answer.data["books"]["nodes"]] == [None, "secret of Book 2"]
    assert [(error["path"], error["extensions"]["code"]) for error in answer.errors] == [
        (["books", "nodes", 0, "secret"], "FORBIDDEN")
    ]


async def test_no_reach_is_forbidden_and_nobody_is_unauthenticated(graph: GraphClient, school: UUID):
    assert (await graph('{ book(title: "Book 1") { id } }', tenant_id=school)).codes == ["UNAUTHENTICATED"]
    nobody = actor_of("principal", school)
    bare = type(nobody)(**{**{f: getattr(nobody, f) for f in nobody.__slots__}, "permissions": frozenset()})
    answer = await graph('{ book(title: "Book 1") { id } }', actor=bare)
    assert (answer.data, answer.codes) == ({"book": None}, ["FORBIDDEN"])


async def test_entities_come_in_order_and_foreign_ones_are_null(graph: GraphClient, school: UUID, as_owner: OwnerRows):
    ids = {row["title"]: row["id"] for row in as_owner("academic", "select id, title from academic.books")}
    keys = [ids["Book 3"], ids["Book 9"], uuid4(), ids["Book 1"]]
    answer = await graph(
        "query($r: [_Any!]!) { _entities(representations: $r) { ... on Book { title shelf { name } } } }",
        {"r": [{"__typename": "Book", "id": key} for key in keys]},
        actor=actor_of("principal", school),
    )
    third, first = ({"title": f"Book {n}", "shelf": {"name": "A"}} for n in "31")
    assert answer.ok()["_entities"] == [third, None, None, first]


@pytest.mark.parametrize(
    "reference",
    [
        {"__typename": "Nothing", "id": str(uuid4())},
        {"id": "x"},
        "x",
        {"__typename": "Book", "id": "x"},
        {"__typename": "Book", "id": None},
    ],
)
async def test_bad_references_are_refused(graph: GraphClient, school: UUID, reference: object):
    answer = await graph(
        "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }",
        {"r": [reference]},
        actor=actor_of("principal", school),
    )
    assert answer.codes == ["BAD_REQUEST"]


async def test_a_school_named_by_the_header_must_be_the_tokens_own_unless_it_is_the_platforms(
    graph: GraphClient, school: UUID, other_school: UUID
):
    count = "{ books { totalCount } }"
    assert (await graph(count, actor=actor_of("principal", school), tenant_id=other_school)).codes == [
        "TENANT_MISMATCH"
    ]
    platform = actor_of("super_admin", PLATFORM_TENANT_ID, acting_on=other_school)
    assert (await graph(count, actor=platform)).ok()["books"]["totalCount"] == 1


async def test_a_bug_leaves_no_trace_of_itself(graph: GraphClient, school: UUID):
    answer = await graph("{ broken }", actor=actor_of("principal", school))
    assert answer.codes == ["INTERNAL"]
    assert "hunter2" not in str(answer.errors)
    assert answer.errors[0]["extensions"]["correlationId"]
