"""Compiled statements: one for every value, none with a value in it, and what the engine refuses before and after."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import ColumnElement, literal

from libs.graph import pages, reading
from libs.graph.arguments import form
from libs.settings import Settings
from libs.testing import GraphClient, actor_of
from libs.testing.plugin import OwnerRows
from tests.libs.graph import example


@pytest.fixture(autouse=True)
def no_plans() -> Iterator[None]:
    reading._plans.clear()
    yield
    reading._plans.clear()


async def test_one_statement_serves_every_value_of_its_variables(graph: GraphClient, school: UUID, other_school: UUID):
    query = "query($n: Int, $f: BookFilter) { books(first: $n, filter: $f) { nodes { title } } }"
    for tenant, first, title in ((school, 3, "Book 1"), (school, 1, "Book 4"), (other_school, 2, "Book 9")):
        given = {"n": first, "f": {"title": {"in": [title, "Book 2"]}}}
        answer = await graph(query, given, actor=actor_of("principal", tenant))
        assert title in str(answer.ok()) or first == 1
    assert len(reading._plans) == 1
    await graph(query, {"n": 1, "f": {"title": {"isNull": False}}}, actor=actor_of("principal", school))
    await graph(query, {"n": 1, "f": {"title": {"in": ["x"]}}}, actor=actor_of("finance_staff", school))
    assert len(reading._plans) == 3  # another form; other permissions


async def test_no_text_of_a_client_stands_in_a_statement(graph: GraphClient, school: UUID):
    text = "x'; drop table academic.books; --"
    query = f'query($t: String) {{ books(filter: {{title: {{ne: $t}}, not: {{title: {{eq: "{text}2"}}}}}}) {{ totalCount }} }}'
    assert (await graph(query, {"t": text}, actor=actor_of("principal", school))).ok() == {"books": {"totalCount": 5}}
    assert [plan.sql for plan in reading._plans.values() if "drop" in plan.sql] == []


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800"])
async def test_text_that_postgresql_cannot_take_is_refused(graph: GraphClient, school: UUID, text: str):
    escaped = text.encode("unicode_escape").decode().replace("\\x00", "\\u0000")
    actor = actor_of("principal", school)
    for argument in (f'title: {{eq: "{escaped}"}}', f'title: {{in: ["x", "{escaped}"]}}', f'search: "x {escaped}"'):
        answer = await graph(f"{{ books(filter: {{{argument}}}) {{ totalCount }} }}", actor=actor)
        assert answer.codes == ["BAD_REQUEST"], argument
    assert (await graph(f'{{ book(title: "{escaped}") {{ id }} }}', actor=actor)).codes == ["BAD_REQUEST"]


async def test_a_declaration_that_holds_a_value_of_a_request_is_refused(
    graph: GraphClient, school: UUID, monkeypatch: pytest.MonkeyPatch
):
    def holds_a_value(_: object, __: object) -> ColumnElement[bool]:
        return literal(uuid4()) == literal(uuid4())

    monkeypatch.setattr(example, "OWNER", None)
    declared = reading.entities_of(example.__name__)["Book"]
    object.__setattr__(declared, "visible", holds_a_value)
    try:
        answer = await graph("{ books { totalCount } }", actor=actor_of("parent", school))
    finally:
        object.__setattr__(declared, "visible", example.visible_books)
    assert answer.codes == ["INTERNAL"]
    assert not reading._plans


def test_a_form_keeps_what_decides_about_the_statement():
    assert form({"a": "x", "b": [1, 2]}) == form({"a": "y", "b": [3]})
    for one, other in (
        ({"a": None}, {"a": "x"}),
        ({"a": True}, {"a": False}),
        ({}, {"a": None}),
        ({"a": []}, {"a": ["x"]}),
    ):
        assert form(one) != form(other)


async def test_a_field_that_may_give_too_many_objects_is_refused_before_it_runs(graph: GraphClient, school: UUID):
    pages_of_pages = "{ shelves(first: 100) { nodes { books(first: $n) { nodes { shelf { books(first: 100) { nodes { id } } } } } } } }"
    query = f"query($n: Int) {pages_of_pages}"
    assert (await graph(query, {"n": 2}, actor=actor_of("principal", school))).ok()
    answer = await graph(query, {"n": 100}, actor=actor_of("principal", school))
    assert answer.codes == ["COST_LIMIT"]
    assert answer.errors[0]["extensions"]["allowed"] == reading.MOST_OBJECTS


async def test_a_filter_that_no_index_serves_looks_at_so_many_rows_and_no_more(
    graph: GraphClient, school: UUID, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pages, "MOST_EXAMINED", 4)
    actor = actor_of("principal", school)
    broad = await graph('{ books(filter: {title: {ne: "Book 1"}}) { nodes { title } } }', actor=actor)
    assert (broad.codes, broad.errors[0]["path"]) == (["QUERY_TOO_BROAD"], ["books"])
    counted = await graph("{ books { totalCount } }", actor=actor)
    assert (counted.codes, counted.errors[0]["path"]) == (["QUERY_TOO_BROAD"], ["books", "totalCount"])
    nested = await graph(
        '{ shelves { nodes { name books(filter: {not: {title: {eq: "Book 4"}}}) { nodes { title } } } } }', actor=actor
    )
    titles = [[book["title"] for book in node["books"]["nodes"]] for node in nested.ok()["shelves"]["nodes"]]
    assert titles == [["Book 1", "Book 2", "Book 3"], ["Book 5"]]


async def test_keys_longer_than_an_identifier_and_more_of_them_than_a_function_takes(graph: GraphClient, school: UUID):
    long = "k" * 70
    many = " ".join(f"a{n}: title" for n in range(120))
    query = f"{{ {long}: books(first: 1) {{ {long}: nodes {{ {long}: title {long}2: title {many} }} x{long}: totalCount }} }}"
    answer = (await graph(query, actor=actor_of("principal", school))).ok()[long]
    (node,) = answer[long]
    assert list(node) == [long, f"{long}2", *(f"a{n}" for n in range(120))]
    assert set(node.values()) == {"Book 1"}
    assert answer[f"x{long}"] == 5
    paged = (
        f"{{ books(first: 1) {{ pageInfo {{ {long}: hasNextPage }} edges {{ {long}: node {{ {long}: title }} }} }} }}"
    )
    books = (await graph(paged, actor=actor_of("principal", school))).ok()["books"]
    assert books == {"pageInfo": {long: True}, "edges": [{long: {long: "Book 1"}}]}


async def test_a_related_row_that_may_not_be_missing_and_is_nulls_its_parent(
    graph: GraphClient, school: UUID, as_owner: OwnerRows
):
    as_owner("academic", "update academic.books set shelf_id = %s where title = 'Book 2'", (uuid4(),))
    actor = actor_of("principal", school)
    one = await graph(
        '{ a: book(title: "Book 2") { title place { name } } b: book(title: "Book 1") { title } }', actor=actor
    )
    assert one.data == {"a": None, "b": {"title": "Book 1"}}
    assert (one.codes, one.errors[0]["path"]) == (["FORBIDDEN"], ["a", "place"])
    listed = await graph("{ books { nodes { place { name } } } }", actor=actor)
    assert listed.data is None
    assert listed.errors[0]["path"] == ["books", "nodes", 1, "place"]


async def test_text_cannot_forge_the_mark_of_an_error(graph: GraphClient, school: UUID, as_owner: OwnerRows):
    for text in ('{"!":null}', '"!":', '\\"!\\":"x"'):
        as_owner("academic", "update academic.books set title = %s where title = 'Book 1' or kind = 'ATLAS'", (text,))
        as_owner("academic", "update academic.books set kind = 'ATLAS' where title = %s", (text,))
        answer = await graph(
            "{ books(filter: {kind: {eq: ATLAS}}) { nodes { title } } }", actor=actor_of("principal", school)
        )
        assert answer.ok()["books"]["nodes"] == [{"title": text}]


async def test_a_statement_that_takes_too_long_is_a_typed_error(settings: Settings, graph: GraphClient, school: UUID):
    impatient = example.create_app(settings.model_copy(update={"statement_timeout_ms": 300}))
    async with GraphClient(impatient, settings) as client:
        actor = actor_of("principal", school)
        assert (await client("{ books { totalCount } }", actor=actor)).ok()
        name = settings.database_url.rpartition("/")[2]
        with psycopg.connect(settings.database_admin_url.get_secret_value(), dbname=name) as other:
            other.execute("lock table academic.books in access exclusive mode")
            answer = await client("{ books { totalCount } }", actor=actor)
    assert (answer.data, answer.codes) == (None, ["QUERY_TIMEOUT"])
