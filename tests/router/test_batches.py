"""Several operations in one request: each is checked as if it had come alone, and answered in its place."""

import asyncio
import hashlib
import json
from typing import Any

import httpx
import pytest

from tests.router.conftest import GP, MS, Graph, Tokens

SCHOOL = {"query": "{ school }"}
SCHOOL_TOLD = {"data": {"school": "SMA Gabriel Pereira"}}


async def send(graph: Graph, batch: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    return await graph.client.post("/graphql", json=batch, headers=headers)


def codes(answer: httpx.Response) -> list[str | None]:
    """The code of each operation's error, None where there is none."""
    return [each["errors"][0]["extensions"]["code"] if "errors" in each else None for each in answer.json()]


async def test_answers_stand_in_the_order_of_the_operations(graph: Graph, tokens: Tokens) -> None:
    """As Apollo's `BatchHttpLink` sends them: the slowest first, one of them a mutation."""
    batch = [
        {"operationName": "Slow", "query": "query Slow { school(wait: 0.3) }", "variables": {}, "extensions": {}},
        {"operationName": "Level", "query": "query Level($n: Int!) { level(of: $n) }", "variables": {"n": 7}},
        {"operationName": "Enroll", "query": "mutation Enroll { enroll }", "variables": {}},
        {"operationName": "Me", "query": "query Me { me { name student } outbox }", "variables": {}},
    ]
    answer = await send(graph, batch, tokens.bearer() | {"accept": "*/*"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert answer.json() == [
        SCHOOL_TOLD,
        {"data": {"level": 7}},
        {"data": {"enroll": "enrolled"}},
        {"data": {"me": {"name": "Sri", "student": "Siti"}, "outbox": 3}},
    ]
    for call in graph.subgraphs["academic"].operations:
        assert (call.headers["x-tenant-id"], call.headers["x-request-id"]) == (GP, answer.headers["x-request-id"])


async def test_each_is_answered_as_it_would_be_alone(graph: Graph, tokens: Tokens) -> None:
    """Fails where one that is refused takes the others with it."""
    unknown = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}
    batch: list[Any] = [
        SCHOOL,
        {"query": "{ school"},
        {"query": "{ classes }"},
        {"query": "{ pages(first: 100000) { nodes { name } } }"},
        {"query": "{ me { email } audit }"},
        {"query": "{ " + "school " * 21 + "}"},
        unknown,
        {"query": "query A { school } query B { outbox }"},
        {"query": "query($n: Int!) { level(of: $n) }"},
        SCHOOL,
    ]
    headers = tokens.bearer()
    together = await send(graph, batch, headers)
    alone = [(await send(graph, each, headers)).json() for each in batch]
    assert together.status_code == 200
    assert together.json() == alone
    bad, school = "BAD_REQUEST", None
    assert codes(together) == [
        school,
        bad,
        "FORBIDDEN",
        "COST_LIMIT",
        "FORBIDDEN",
        "ROOT_FIELD_LIMIT",
        "PERSISTED_QUERY_NOT_FOUND",
        bad,
        bad,
        school,
    ]


@pytest.mark.parametrize("odd", [None, 1, "{ school }", [SCHOOL], {}, {"query": 1}, SCHOOL | {"variables": []}])
async def test_what_is_no_operation_leaves_its_neighbours_alone(graph: Graph, odd: Any) -> None:
    answer = await send(graph, [odd, SCHOOL])
    assert codes(answer) == ["BAD_REQUEST", None]


async def test_persisted_queries_are_learned_in_a_batch(graph: Graph, tokens: Tokens) -> None:
    text = "query Learned { school outbox }"
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}}
    by_hash = {"extensions": persisted}
    first = await send(graph, [by_hash, by_hash | {"query": text}, by_hash], tokens.bearer())
    assert codes(first) == ["PERSISTED_QUERY_NOT_FOUND", None, None]
    assert codes(await send(graph, [by_hash] * 2, tokens.bearer())) == [None, None]


@pytest.mark.parametrize(
    ("count", "code"), [(0, "BAD_REQUEST"), (1, None), (10, None), (11, "BATCH_LIMIT"), (1_000, "BATCH_LIMIT")]
)
async def test_a_batch_holds_one_to_ten(graph: Graph, count: int, code: str | None) -> None:
    answer = await send(graph, [SCHOOL] * count)
    if code is None:
        assert (answer.status_code, answer.json()) == (200, [SCHOOL_TOLD] * count)
        return
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": code} | ({"allowed": 10} if code == "BATCH_LIMIT" else {})
    assert graph.subgraphs["academic"].operations == []


async def test_nobody_subscribes_in_a_batch(graph: Graph, tokens: Tokens) -> None:
    subscription = {"query": "subscription { ticks(every: 0.05, count: 3) }"}
    assert codes(await send(graph, [subscription, SCHOOL], tokens.bearer())) == ["BAD_REQUEST", None]
    streamed = await send(graph, [subscription, SCHOOL], tokens.bearer() | {"accept": "text/event-stream"})
    assert "BAD_REQUEST" in streamed.text
    assert "SMA" not in streamed.text
    assert graph.subgraphs["academic"].socket_params == []


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/json", "application/json; charset=utf-8"),
        ("application/graphql-response+json", "application/graphql-response+json; charset=utf-8"),
        ("text/html", None),
    ],
)
async def test_media_type_is_the_one_accepted(graph: Graph, accept: str, content_type: str | None) -> None:
    answer = await send(graph, [{"query": "mutation { enroll }"}, {"query": "{ nope }"}], {"accept": accept})
    if content_type is None:
        assert answer.status_code == 406
        assert graph.subgraphs["academic"].operations == []
        return
    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)
    assert codes(answer) == [None, "BAD_REQUEST"]


async def test_who_is_not_admitted_has_no_batch(graph: Graph, tokens: Tokens) -> None:
    for headers, status in (({"authorization": "Bearer x"}, 401), (tokens.bearer() | {"x-tenant-id": MS}, 403)):
        answer = await send(graph, [SCHOOL], headers | {"accept": "application/graphql-response+json"})
        assert answer.status_code == status
    padded = json.dumps([SCHOOL | {"variables": {"x": "x" * 2**20}}])
    assert (await graph.client.post("/graphql", content=padded)).status_code == 415
    kind = {"content-type": "application/json"}
    assert (await graph.client.post("/graphql", content=padded, headers=kind)).status_code == 413
    assert graph.subgraphs["academic"].operations == []


async def test_a_client_that_leaves_ends_the_queries_of_its_batch(graph: Graph) -> None:
    academic = graph.subgraphs["academic"]
    academic.left.clear()
    waiting = asyncio.create_task(send(graph, [{"query": f"{{ a{n}: school(wait: 1.5) }}"} for n in range(3)]))
    for _ in range(100):
        if len(academic.operations) == 3:
            break
        await asyncio.sleep(0.02)
    waiting.cancel()
    for _ in range(50):
        if len(academic.left) == 3:
            break
        await asyncio.sleep(0.02)
    assert len(academic.left) == 3


async def test_developers_are_told_what_each_costs(priced: Graph) -> None:
    answer = await send(priced, [SCHOOL, {"query": "{ pages(first: 5) { nodes { name } } }"}])
    estimated = [each["extensions"]["cost"]["estimated"] for each in answer.json()]
    assert estimated[0] < estimated[1]
