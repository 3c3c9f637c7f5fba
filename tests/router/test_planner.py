"""What the planner must get right (trap 11): the kinds of documents in which the Rust planner errs.

The naive setting is `unifiedGraphHandler` of `@graphql-hive/router-runtime` without a fallback: introspection beside data, one of several
operations and an operation of which nothing is allowed fail over it. It leaves @defer out; here that directive is refused.
"""

import pytest

from tests.router.conftest import Graph, Tokens

SCHOOL = "SMA Gabriel Pereira"
TYPES = {"queryType": {"name": "Query"}}


@pytest.mark.parametrize(
    ("document", "data"),
    [
        ("{ school __schema { queryType { name } } }", {"school": SCHOOL, "__schema": TYPES}),
        ("{ school outbox __schema { queryType { name } } }", {"school": SCHOOL, "outbox": 3, "__schema": TYPES}),
        (
            '{ __typename me { __typename name student } __type(name: "Seen") { name kind } }',
            {
                "__typename": "Query",
                "me": {"__typename": "User", "name": "Sri", "student": "Siti"},
                "__type": {"name": "Seen", "kind": "OBJECT"},
            },
        ),
        ("{ ...F a: school } fragment F on Query { b: __schema { queryType { name } } }", {"b": TYPES, "a": SCHOOL}),
    ],
)
async def test_introspection_beside_data(planned: Graph, tokens: Tokens, document: str, data: object) -> None:
    assert await planned.ask(document, tokens.bearer()) == {"data": data}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("Data", {"school": SCHOOL, "outbox": 3}),
        ("Introspection", {"__schema": TYPES}),
        ("Both", {"school": SCHOOL, "__schema": TYPES}),
    ],
)
async def test_one_operation_of_several_is_run_alone(planned: Graph, tokens: Tokens, name: str, data: object) -> None:
    document = """
      query Data { school outbox }
      query Introspection { __schema { queryType { name } } }
      query Both { school __schema { queryType { name } } }"""
    body = {"query": document, "operationName": name}
    answer = await planned.client.post("/graphql", json=body, headers=tokens.bearer())
    assert answer.json() == {"data": data}


@pytest.mark.parametrize(
    ("document", "data"),
    [
        ("{ audit }", {"audit": None}),
        ("{ me { name } }", {"me": None}),
        ("{ audit me { email student } }", {"audit": None, "me": None}),
        ("{ a: audit ...F } fragment F on Query { me { id } }", {"a": None, "me": None}),
    ],
)
async def test_operation_of_which_nothing_is_allowed(planned: Graph, document: str, data: dict[str, None]) -> None:
    answer = await planned.ask(document)
    assert answer["data"] == data
    assert [(error["extensions"]["code"], error["path"]) for error in answer["errors"]] == [
        ("UNAUTHENTICATED", [name]) for name in data
    ]
    assert [call for subgraph in planned.subgraphs.values() for call in subgraph.operations] == []


@pytest.mark.parametrize(
    "document",
    [
        "{ school ... @defer { outbox } }",
        '{ me { name ...F @defer(label: "a") } } fragment F on User { student }',
        "{ pupils @stream(initialCount: 0) { name } }",
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "multipart/mixed", "text/event-stream"])
async def test_deferred_parts_are_refused_and_never_left_out(
    planned: Graph, tokens: Tokens, document: str, accept: str
) -> None:
    """Whoever asks for parts to come later is told that they do not, by name: not answered as if all had been there."""
    answer = await planned.post(document, tokens.bearer() | {"accept": accept})
    assert "BAD_REQUEST" in answer.text
    assert "Unknown directive" in answer.text
    assert '"data"' not in answer.text
