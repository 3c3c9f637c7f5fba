"""Subgraphs that fail, hang or are gone: partial answers, one retry for queries, and nothing leaked."""

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

from tests.router.conftest import GP, MS, Graph, Router, Tokens
from tests.router.subgraphs import SCHEMAS

SCHOOL = "SMA Gabriel Pereira"
LEAKS = (
    "127.0.0.1",
    "localhost",
    "http://",
    "/srv/",
    "Traceback",
    "internal",
    "stack",
    ".py",
    ".js",
    "school(",
    "request",
)


def unavailable(answer: httpx.Response, subgraph: str, path: list[Any]) -> None:
    """Asserts the one error: UNAVAILABLE with a correlation id, and no word of what is behind."""
    (error,) = answer.json()["errors"]
    assert error["path"] == path
    assert error["extensions"] == {
        "code": "UNAVAILABLE",
        "subgraph": subgraph,
        "correlationId": answer.headers["x-request-id"],
    }
    assert [leak for leak in LEAKS if leak in answer.text] == []


async def test_errors_of_a_subgraph_pass_with_code_path_and_message(graph: Graph) -> None:
    result = await graph.ask("{ classes school }")
    assert result["data"] == {"classes": None, "school": SCHOOL}
    (error,) = result["errors"]
    assert error["message"] == "You may not see the classes."
    assert error["path"] == ["classes"]
    assert error["extensions"] == {"code": "FORBIDDEN", "permission": "class:read"}


@pytest.mark.parametrize("document", ["{ years }", "{ pupils { name } years }", "{ years school outbox }"])
async def test_what_takes_all_data_is_told_whatever_else_is_asked(graph: Graph, document: str) -> None:
    """The gateway's own way: the first field that may not be null is told as a fault of ours, the reason is lost."""
    result = await graph.ask(document)
    (error,) = result["errors"]
    assert (result["data"], error["path"], error["message"]) == (None, ["years"], "You may not see the years.")
    assert error["extensions"] == {"code": "FORBIDDEN", "permission": "class:read"}


async def test_a_reference_without_a_row_is_null_and_no_error(graph: Graph) -> None:
    """What is absent and what is hidden from the actor are both null (graph.md)."""
    assert await graph.ask("{ stranger { id name } school }") == {"data": {"stranger": None, "school": SCHOOL}}


@pytest.mark.parametrize("fault", ["html", "garbage", "break"])
async def test_a_broken_answer_is_unavailable_and_the_rest_stands(graph: Graph, tokens: Tokens, fault: str) -> None:
    """Trap 9: fails with the gateway's masking alone, which passes the upstream body and url on in `extensions`."""
    graph.subgraphs["academic"].fault = fault
    answer = await graph.post("{ me { name student notifications } }", tokens.bearer())
    assert answer.status_code == 200
    assert answer.json()["data"] == {"me": {"name": "Sri", "student": None, "notifications": ["INVITED"]}}
    unavailable(answer, "academic", ["me", "student"])


async def test_a_subgraph_that_is_gone_leaves_the_others_fields(graph: Graph, tokens: Tokens, bereft: Router) -> None:
    async with httpx.AsyncClient(base_url=bereft.url) as client:
        query = "{ me { name student notifications } school outbox }"
        answer = await client.post("/graphql", json={"query": query}, headers=tokens.bearer())
        ready = await client.get("/health/ready")
    assert answer.json()["data"] == {
        "me": {"name": "Sri", "student": None, "notifications": ["INVITED"]},
        "school": None,
        "outbox": 3,
    }
    codes = {(error["path"][0], error["extensions"]["code"]) for error in answer.json()["errors"]}
    assert codes == {("me", "UNAVAILABLE"), ("school", "UNAVAILABLE")}
    assert [leak for leak in LEAKS if leak in answer.text] == []
    assert [leak for leak in LEAKS if leak in ready.text] == []
    assert (ready.status_code, ready.json()["checks"]) == (
        503,
        dict.fromkeys(SCHEMAS, "ok") | {"academic": "down"},
    )


async def test_a_failed_query_is_tried_once_more_and_a_mutation_never(planned: Graph, tokens: Tokens) -> None:
    """Trap 3: fails with `upstreamRetry` as an object, which sends mutations twice. And with the HTTP transport as it
    is, whose second attempt goes without token, tenant and trace: the client is told to sign in.
    """
    academic, headers = planned.subgraphs["academic"], tokens.bearer()
    academic.fault = "html"
    await planned.post("{ school }", headers)
    first, second = academic.operations
    assert first.headers["authorization"] == headers["authorization"]
    assert second.headers == first.headers
    academic.calls.clear()
    answer = await planned.post("mutation { enroll }")
    unavailable(answer, "academic", ["enroll"])
    assert len(academic.operations) == 1


async def test_nothing_is_answered_from_a_cache(graph: Graph, planned: Graph, tokens: Tokens) -> None:
    """Trap 5: fails with `responseCaching`, which without `session` is shared by everyone and misses what changes."""
    for each in (graph, planned):
        for tenant, headers in (
            (GP, tokens.bearer(GP)),
            (MS, tokens.bearer(MS)),
            (MS, {"x-tenant-id": MS}),
            (GP, tokens.bearer(GP, sub="u2")),
        ):
            answer = await each.ask("{ seen { tenant authorization } outbox }", headers)
            assert answer["data"]["seen"] == {"tenant": tenant, "authorization": headers.get("authorization")}
        each.subgraphs["academic"].calls.clear()
        for _ in range(2):
            assert await each.ask("{ me { id student } }", tokens.bearer()) == {
                "data": {"me": {"id": "u1", "student": "Siti"}}
            }
        assert len(each.subgraphs["academic"].operations) == 2


@pytest.fixture(params=["lane", "planned"])
def either(request: pytest.FixtureRequest, graph: Graph, planned: Graph) -> Graph:
    """Both ways to a subgraph."""
    return graph if request.param == "lane" else planned


@pytest.mark.parametrize(
    ("document", "data"),
    [("{ school }", {"school": SCHOOL}), ("{ school outbox }", {"school": SCHOOL, "outbox": 3})],
    ids=["alone", "mixed"],
)
async def test_a_query_whose_connection_is_reset_is_sent_once_more(
    either: Graph, document: str, data: dict[str, Any]
) -> None:
    """Fails with the gateway's retry after the lane's call, where one lost query becomes three."""
    academic = either.subgraphs["academic"]
    academic.fault = "reset once"
    assert await either.ask(document) == {"data": data}
    assert len(academic.operations) == 2
    academic.calls.clear()
    academic.fault = "reset"
    unavailable(await either.post(document), "academic", ["school"])
    assert len(academic.operations) == 2


async def test_a_mutation_whose_connection_is_reset_is_never_sent_again(either: Graph) -> None:
    """Trap 3: the subgraph had all of it, and may have done it."""
    academic = either.subgraphs["academic"]
    academic.fault = "reset once"
    unavailable(await either.post("mutation { enroll }"), "academic", ["enroll"])
    assert [b"enroll" in call.body for call in academic.operations] == [True]


async def test_a_subgraph_s_own_errors_are_not_retried(planned: Graph) -> None:
    await planned.post("{ classes }")
    assert len(planned.subgraphs["academic"].operations) == 1


async def test_a_slow_subgraph_is_given_up_once_and_its_error_tells_nothing(graph: Graph) -> None:
    """Trap 4, error: fails with `upstreamTimeout`, whose error carries the upstream url and body and which is retried."""
    started = time.monotonic()
    answer = await graph.post("{ school(wait: 5) outbox }")
    assert time.monotonic() - started < 4  # two seconds, once
    assert answer.json()["data"] == {"school": None, "outbox": 3}
    unavailable(answer, "academic", ["school"])
    assert len(graph.subgraphs["academic"].operations) == 1


async def test_a_subscription_outlives_the_timeout_of_calls(graph: Graph, tokens: Tokens) -> None:
    """Trap 4, subscriptions: fails with `upstreamTimeout: 2000`, which ends the stream after two seconds (traps 7 too:
    over SSE upstream no event arrives at all).
    """
    query = "subscription { ticks(every: 0.8, count: 4) }"
    headers = tokens.bearer() | {"accept": "text/event-stream"}
    async with graph.client.stream("POST", "/graphql", json={"query": query}, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        data = [line.removeprefix("data: ") async for line in answer.aiter_lines() if line.startswith("data: {")]
    assert [json.loads(text) for text in data] == [{"data": {"ticks": number}} for number in range(4)]
    (params,) = graph.subgraphs["academic"].socket_params
    assert params["authorization"] == headers["authorization"]
    assert params["x-tenant-id"] == "01890000-0000-7000-8000-00000000000a"


async def test_a_failed_call_is_logged_with_its_reason_and_counted(graph: Graph) -> None:
    graph.subgraphs["academic"].fault = "html"
    answer = await graph.post("mutation { enroll }")
    for _ in range(50):  # the line may be on its way while the answer is here
        lines = [line for line in graph.router.log if line.get("correlationId") == answer.headers["x-request-id"]]
        if lines:
            break
        await asyncio.sleep(0.1)
    assert [(line["event"], line["subgraph"], line["reason"]) for line in lines] == [
        ("subgraph_unavailable", "academic", "SyntaxError")
    ]
    metrics = (await graph.client.get("/metrics")).text
    assert 'wiyata_router_upstream_failures_total{subgraph="academic"}' in metrics
