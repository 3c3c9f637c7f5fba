"""The fast lane: what one subgraph answers alone goes out as it came, and differs in nothing from the normal way."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from tests.router.conftest import GP, MS, Graph, Router, Tokens

NORMAL = {"query": "{ school }"}


async def taken(graph: Graph) -> int:
    """How many answers went by the lane."""
    text = (await graph.client.get("/metrics")).text
    lines = [line for line in text.splitlines() if line.startswith("wiyata_router_fast_lane_total")]
    return sum(int(line.rpartition(" ")[2]) for line in lines)


def comparable(answer: httpx.Response) -> Any:
    """What a client sees of an answer, without what is each answer's own."""
    own = {"date", "x-request-id", "content-length", "transfer-encoding", "connection", "keep-alive"}
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    body = answer.json()
    for error in body.get("errors", ()):
        error["extensions"].pop("correlationId", None)
    return answer.status_code, headers, body


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("{ school }", {}),
        ("{ a: school b: level(of: 3) }", {}),
        ("query($n: Int!) { level(of: $n) }", {"n": 5}),
        ("query A { school } query B { level(of: 1) }", {}),
        ("{ ...F } fragment F on Query { pupils { __typename name ...G } } fragment G on Pupil { mean }", {}),
        ("query($x: Boolean!) { school @include(if: $x) level(of: 1) }", {"x": False}),
        ("{ pages(first: 3) { nodes { name } totalCount } }", {}),
        ("{ pupils { user { id student } } }", {}),
        ("{ me { name } }", {}),
        ("{ __typename school }", {}),
        ("{ pages { ... { __typename } } }", {}),
        ("{ pages { nodes { ... on Pupil { ... { __typename } } } } }", {}),
    ],
)
async def test_answer_equals_the_normal_way_s(graph: Graph, planned: Graph, tokens: Tokens, document, variables):
    name = {"operationName": "B"} if "query B" in document else {}
    body = {"query": document, "variables": variables} | name
    before = await taken(graph)
    fast = await graph.client.post("/graphql", json=body, headers=tokens.bearer())
    normal = await planned.client.post("/graphql", json=body, headers=tokens.bearer())
    assert await taken(graph) == before + 1
    assert comparable(fast) == comparable(normal)


@pytest.mark.parametrize(
    "document",
    [
        "{ school outbox }",  # two subgraphs
        "{ pupils { user { name } } }",  # another one looks the user up
        "mutation { enroll }",
        "{ classes }",  # the subgraph's own error
        "{ pupils { name } years }",  # the same, where it takes all data
        "{ stranger { name } }",
        "{ audit }",  # a scope that is missing
        "{ me { email } }",  # the same, further down
        "{ __schema { queryType { name } } }",
        "{ __typename }",
        "{ school nope }",
        "{ school",
        "query($n: Int!) { level(of: $n) }",  # a variable that is missing
    ],
)
async def test_whatever_is_not_plain_goes_the_normal_way(graph: Graph, planned: Graph, tokens: Tokens, document):
    before = await taken(graph)
    answers = [
        await each.client.post("/graphql", json={"query": document}, headers=tokens.bearer())
        for each in (graph, planned)
    ]
    assert await taken(graph) == before
    assert comparable(answers[0]) == comparable(answers[1])


@pytest.mark.parametrize("scopes", [["user:read"], []])
async def test_a_protected_field_needs_its_scope_on_the_lane(graph: Graph, tokens: Tokens, scopes):
    answer = await graph.ask("{ me { name email } }", tokens.bearer(permissions=scopes))
    assert answer["data"]["me"]["email"] == ("sri@example.test" if scopes else None)
    assert ("errors" in answer) is not bool(scopes)


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "application/json",
        "application/graphql-response+json",
        "application/graphql-response+json, application/json;q=0.9",
        "application/json, application/graphql-response+json",
        "application/json; charset=utf-8",
        "text/event-stream",
        "text/html",
    ],
)
async def test_media_type_is_chosen_as_on_the_normal_way(graph: Graph, planned: Graph, accept):
    headers = {"accept": accept} if accept else {}
    answers = []
    for each in (graph, planned):
        request = each.client.build_request("POST", "/graphql", json=NORMAL, headers=headers)
        if accept is None:
            del request.headers["accept"]
        answers.append(await each.client.send(request))
    assert answers[0].headers.get("content-type") == answers[1].headers.get("content-type")
    assert answers[0].status_code == answers[1].status_code


# Every check of the normal way: what must be refused, by headers and body.
CHECKS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "a broken token": ({"authorization": "Bearer a.b.c"}, NORMAL),
    "another school": ({"x-tenant-id": MS}, NORMAL),
    "a tenant that is no UUID": ({"x-tenant-id": "gp"}, NORMAL),
    "too costly": ({}, {"query": "{ pages(first: 10001) { nodes { name } } }"}),
    "too deep": ({}, {"query": "{ pupils " + "{ friends " * 12 + "{ name }" + " }" * 12 + " }"}),
    "too many aliases": ({}, {"query": "{ " + " ".join(f"a{n}: school" for n in range(31)) + " }"}),
    "an unknown hash": ({}, {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}}),
    "no operation of that name": ({}, {"query": "query A { school }", "operationName": "B"}),
    "variables that are no object": ({}, NORMAL | {"variables": [1]}),
}


@pytest.mark.parametrize("name", CHECKS)
async def test_every_check_holds_on_both_ways(graph: Graph, planned: Graph, tokens: Tokens, name):
    headers, body = CHECKS[name]
    answers = [
        await each.client.post("/graphql", json=body, headers=tokens.bearer(GP) | headers) for each in (graph, planned)
    ]
    assert comparable(answers[0]) == comparable(answers[1])
    assert "data" not in answers[0].json()
    assert graph.subgraphs["academic"].operations == []


async def test_subgraph_gets_the_same_headers(graph: Graph, planned: Graph, tokens: Tokens):
    seen = []
    sent = tokens.bearer() | {
        "x-tenant-id": GP,
        "accept-language": "en",
        "x-forwarded-for": "6.6.6.6",
        "x-wiyata-a": "1",
    }
    for each in (graph, planned):
        each.subgraphs["academic"].calls.clear()
        await each.client.post("/graphql", json=NORMAL, headers=sent | {"x-request-id": "one", "cookie": "a=b"})
        (call,) = each.subgraphs["academic"].operations
        own = {"traceparent", "content-length", "user-agent", "accept", "accept-encoding", "host", "connection"}
        seen.append({name: value for name, value in call.headers.items() if name not in own})
    assert seen[0] == seen[1]


async def test_tenants_and_users_at_once_get_their_own(graph: Graph, tokens: Tokens):
    async def ask(tenant: str, user: str) -> None:
        headers = tokens.bearer(tenant, sub=user)
        answer = await graph.ask("query($w: Float!) { seen(wait: $w) { tenant authorization } }", headers, w=0.05)
        assert answer["data"]["seen"] == {"tenant": tenant, "authorization": headers["authorization"]}

    await asyncio.gather(*(ask(tenant, f"u{n}") for n in range(20) for tenant in (GP, MS)))


@pytest.mark.parametrize("fault", ["html", "garbage", "drop"])
async def test_a_subgraph_that_fails_is_told_as_on_the_normal_way(graph: Graph, planned: Graph, fault):
    answers = []
    for each in (graph, planned):
        each.subgraphs["academic"].fault = fault
        answers.append(await each.client.post("/graphql", json=NORMAL))
    assert comparable(answers[0]) == comparable(answers[1])


async def test_a_slow_subgraph_is_waited_for_once(graph: Graph):
    started = time.monotonic()
    answer = await graph.ask("{ school(wait: 5) }")
    assert time.monotonic() - started < 3  # two seconds, once
    assert (answer["data"], answer["errors"][0]["extensions"]["code"]) == ({"school": None}, "UNAVAILABLE")
    assert len(graph.subgraphs["academic"].operations) == 1


async def test_client_that_leaves_ends_the_call(graph: Graph, router: Router):
    with pytest.raises(httpx.ReadTimeout):
        await graph.client.post("/graphql", json={"query": "{ school(wait: 1) }"}, timeout=0.2)
    assert (await graph.ask("{ school }"))["data"] == {"school": "SMA Gabriel Pereira"}
