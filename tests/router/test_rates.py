"""Everybody may ask for so much in a minute, whatever router answers and however a document is written."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from redis import Redis

from deploy.local.engines import Engines
from libs.kernel import new_id
from tests.router.conftest import GP, MS, PLATFORM, Graph, Router, StartRouter, Tokens
from tests.router.subgraphs import Subgraph

TOLD_SECONDS = 0.2
"""Until a router has surely told Valkey what it counted."""
PAGE = "https://app.example.test"
SIGN_IN = 'login(email: "sri@gp.test")'


@pytest.fixture(scope="session")
def counting(start_router: StartRouter, engines: Engines) -> tuple[Router, Router]:
    """Two routers over one Valkey, which exempt nobody."""
    settings = {"WIYATA_VALKEY_URL": engines.valkey_url, "WIYATA_RATE_EXEMPT": "", "WIYATA_CORS_ORIGINS": PAGE}
    return start_router(**settings), start_router(**settings)


@asynccontextmanager
async def _client(router: Router, subgraphs: dict[str, Subgraph]) -> AsyncIterator[Graph]:
    async with httpx.AsyncClient(base_url=router.url, timeout=10) as client:
        yield Graph(router, client, subgraphs)


@pytest.fixture
async def two(counting: tuple[Router, Router], subgraphs: dict[str, Subgraph], engines: Engines) -> AsyncIterator[Any]:
    """Both routers with empty counters."""
    with Redis.from_url(engines.valkey_url) as valkey:
        valkey.flushall()
    async with _client(counting[0], subgraphs) as one, _client(counting[1], subgraphs) as other:
        for graph in (one, other):
            await _counted(graph)
        await asyncio.sleep(TOLD_SECONDS)  # nothing that was counted before is told after
        with Redis.from_url(engines.valkey_url) as valkey:
            valkey.flushall()
        yield one, other


async def _counted(graph: Graph) -> None:
    """Waits until the router has found Valkey, which it looks for by itself."""
    for _ in range(200):
        if "x-ratelimit-limit" in (await graph.post("{ __typename }")).headers:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the router counts nothing")


def _sent(tokens: Tokens, tenant: str = GP, **claims: Any) -> dict[str, str]:
    return tokens.bearer(tenant, **{"sub": str(new_id())} | claims)


def _told(answer: httpx.Response) -> tuple[int, int]:
    return int(answer.headers["x-ratelimit-limit"]), int(answer.headers["x-ratelimit-remaining"])


async def _exhaust(graph: Graph, document: str, headers: dict[str, str], times: int) -> None:
    for _ in range(times):
        assert "errors" not in (await graph.post(document, headers)).json()


async def test_reads_and_writes_are_counted_for_each_user_over_all_routers(two, tokens: Tokens):
    one, other = two
    headers = _sent(tokens)
    assert _told(await one.post("{ school }", headers)) == (100, 99)
    assert _told(await other.post("{ school }", headers)) == (100, 98)
    assert _told(await one.post("mutation { enroll }", headers)) == (30, 29)
    assert _told(await one.post("{ school }", _sent(tokens))) == (100, 99)


async def _settled(graph: Graph, headers: dict[str, str]) -> int:
    """What is left to a sender once the router has told Valkey what was taken here, and learnt what was taken elsewhere."""
    for _ in range(2):
        left = _told(await graph.post("{ school }", headers))[1]
        await asyncio.sleep(TOLD_SECONDS)
    return left


async def test_what_one_router_gives_the_other_soon_counts(two, tokens: Tokens):
    """Naive: counters of the process alone. Each router would give the whole limit."""
    one, other = two
    headers = _sent(tokens)
    assert [_told(await graph.post("{ school }", headers))[1] for graph in two] == [99, 98]
    await _exhaust(one, "{ school }", headers, 50)
    await asyncio.sleep(TOLD_SECONDS)
    assert await _settled(other, headers) == 100 - 2 - 50 - 2
    await _exhaust(other, "{ school }", headers, 40)
    await asyncio.sleep(TOLD_SECONDS)
    assert await _settled(one, headers) == 100 - 54 - 40 - 2
    await _exhaust(one, "{ school }", headers, 4)
    await _settled(other, headers)
    assert [(await graph.post("{ school }", headers)).status_code for graph in two] == [429, 429]


async def test_nothing_is_given_twice_while_valkey_is_told(two, tokens: Tokens):
    """However many ask at once: each is counted before the next is looked at."""
    graph, _ = two
    headers = _sent(tokens)
    answers = await asyncio.gather(*(graph.post("{ school }", headers) for _ in range(130)))
    assert sorted(answer.status_code for answer in answers) == [200] * 100 + [429] * 30


async def test_aliases_count_each(two, tokens: Tokens):
    graph, _ = two
    headers = _sent(tokens)
    twenty = "{ " + " ".join(f"a{n}: school" for n in range(20)) + " }"
    await _exhaust(graph, twenty, headers, 5)
    refused = await graph.post("{ school }", headers)
    assert refused.status_code == 429
    (error,) = refused.json()["errors"]
    seconds = error["extensions"]["retryAfter"]
    assert error["extensions"] == {"code": "RATE_LIMITED", "retryAfter": seconds}
    assert 0 < seconds <= 60
    assert refused.headers["retry-after"] == refused.headers["x-ratelimit-reset"] == str(seconds)
    assert _told(refused) == (100, 0)


async def test_a_page_reads_how_much_is_left_and_when_to_come_again(two, tokens: Tokens):
    """Fails where CORS exposes none of the headers: a page sees those of the answer that it names alone."""
    graph, _ = two
    headers = _sent(tokens) | {"origin": PAGE}
    await _exhaust(graph, "{ " + " ".join(f"a{n}: school" for n in range(11)) + " }", headers, 9)
    for status in (200, 429):
        answer = await graph.post("{ school }", headers)
        exposed = set(answer.headers["access-control-expose-headers"].lower().split(", "))
        told = {name for name in answer.headers if name.startswith("x-ratelimit-") or name == "retry-after"}
        assert (answer.status_code, len(told)) == (status, 3 if status == 200 else 4)
        assert told | {"x-request-id"} <= exposed


async def test_a_refused_mutation_reaches_no_subgraph_and_takes_nothing(two, tokens: Tokens):
    graph, _ = two
    headers = _sent(tokens)
    await _exhaust(graph, "mutation { " + " ".join(f"a{n}: enroll" for n in range(15)) + " }", headers, 1)
    graph.subgraphs["academic"].calls.clear()
    sixteen = "mutation { " + " ".join(f"a{n}: enroll" for n in range(16)) + " }"
    assert (await graph.post(sixteen, headers)).status_code == 429
    assert graph.subgraphs["academic"].operations == []
    assert _told(await graph.post("mutation { enroll }", headers)) == (30, 14)


async def test_a_hundred_aliased_sign_ins_are_a_hundred(two):
    graph, _ = two
    twenty = "mutation { " + " ".join(f"a{n}: {SIGN_IN}" for n in range(20)) + " }"
    await _exhaust(graph, twenty, {"x-tenant-id": GP}, 15)
    refused = await graph.post(f"mutation {{ {SIGN_IN} }}", {"x-tenant-id": MS})
    assert refused.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"


async def test_signing_in_with_ever_new_tokens_is_counted_by_address(two, tokens: Tokens):
    graph, _ = two
    twenty = "mutation { " + " ".join(f"a{n}: {SIGN_IN}" for n in range(20)) + " }"
    for _ in range(15):
        await _exhaust(graph, twenty, _sent(tokens), 1)
    assert (await graph.post(f"mutation {{ {SIGN_IN} }}", _sent(tokens))).status_code == 429


async def test_cost_of_a_minute_has_a_budget(two, tokens: Tokens):
    graph, _ = two
    headers = _sent(tokens)
    costly = "{ " + " ".join(f"a{n}: pages(first: 499) {{ nodes {{ name }} }}" for n in range(20)) + " }"  # 10,000
    refused = [(await graph.post(costly, headers)).status_code for _ in range(5)]
    assert refused == [200] * 5  # and 100 reads, which are all
    other = _sent(tokens, permissions=["graph:adhoc"])
    costly = "{ pages(first: 49999) { totalCount nodes { name } } }"
    assert [(await graph.post(costly, other)).status_code for _ in range(11)] == [200] * 10 + [429]


async def test_each_kind_of_sender_has_a_limit(two, tokens: Tokens):
    graph, _ = two
    administrator, dashboard = _sent(tokens, PLATFORM), _sent(tokens, permissions=["graph:adhoc"])
    assert _told(await graph.post("{ school }", administrator)) == (50, 49)
    assert _told(await graph.post("mutation { enroll }", administrator)) == (50, 49)
    assert _told(await graph.post("{ school }", dashboard)) == (100, 99)


async def test_visitors_share_what_their_address_has(two):
    one, other = two
    before = await _settled(one, {"x-tenant-id": GP})
    assert await _settled(other, {"x-tenant-id": MS}) == before - 2
    assert _told(await one.post("{ school }"))[0] == 300


async def test_faulty_documents_count_too(two, tokens: Tokens):
    graph, _ = two
    headers = _sent(tokens)
    assert _told(await graph.post("{ nope }", headers)) == (100, 99)
    assert _told(await graph.post("{", headers)) == (100, 98)


async def test_a_school_has_a_limit_over_all_its_people(two, tokens: Tokens, engines: Engines):
    graph, _ = two
    with Redis.from_url(engines.valkey_url) as valkey:
        valkey.set(f"rate:tenant:{GP}", 9_999, px=30_000)
    assert (await graph.post("{ school }", _sent(tokens))).status_code == 200
    refused = await graph.post("{ school }", _sent(tokens))
    assert (refused.status_code, _told(refused)) == (429, (10_000, 0))
    assert int(refused.headers["retry-after"]) <= 30
    assert (await graph.post("{ school }", _sent(tokens, MS))).status_code == 200


async def test_operations_of_a_batch_count_each(two, tokens: Tokens):
    """Fails where a batch is counted as one: ten of twenty sign-ins are two hundred, and the second one is over the limit."""
    graph, _ = two
    twenty = {"query": "mutation { " + " ".join(f"a{n}: {SIGN_IN}" for n in range(20)) + " }"}
    headers = {"x-tenant-id": GP}
    first = await graph.client.post("/graphql", json=[twenty] * 10, headers=headers)
    assert [each.get("errors") for each in first.json()] == [None] * 10
    assert _told(first) == (300, 100)
    graph.subgraphs["identity"].calls.clear()
    second = await graph.client.post("/graphql", json=[twenty] * 10, headers=headers)
    assert second.status_code == 200
    codes = [each["errors"][0]["extensions"]["code"] if "errors" in each else None for each in second.json()]
    assert codes == [None] * 5 + ["RATE_LIMITED"] * 5
    assert len(graph.subgraphs["identity"].operations) == 100  # one for each field of a mutation
    assert _told(second) == (300, 0)
    assert int(second.headers["retry-after"]) > 0


async def test_internal_networks_are_exempt(graph: Graph):
    assert "x-ratelimit-limit" not in (await graph.post("{ school }")).headers


async def test_without_valkey_reads_go_on_and_sign_ins_are_counted_alone(
    start_router: StartRouter, subgraphs: dict[str, Subgraph], tokens: Tokens
):
    router = start_router(WIYATA_RATE_EXEMPT="")
    async with _client(router, subgraphs) as graph:
        await _exhaust(graph, "{ school }", _sent(tokens), 110)
        twenty = "mutation { " + " ".join(f"a{n}: {SIGN_IN}" for n in range(20)) + " }"
        await _exhaust(graph, twenty, {"x-tenant-id": GP}, 15)
        refused = await graph.post(f"mutation {{ {SIGN_IN} }}", {"x-tenant-id": GP})
        assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)
        assert (await graph.post("{ school }", {"x-tenant-id": GP})).status_code == 200
        assert [line["event"] for line in router.log].count("valkey_unavailable") == 1


async def test_a_valkey_that_hangs_costs_a_moment_and_comes_back(two, tokens: Tokens, engines: Engines):
    graph, _ = two
    with Redis.from_url(engines.valkey_url) as valkey:
        process = int(valkey.info("server")["process_id"])
    os.kill(process, signal.SIGSTOP)
    try:
        answer = await asyncio.wait_for(graph.post("{ school }", _sent(tokens)), timeout=2)
        assert answer.json() == {"data": {"school": "SMA Gabriel Pereira"}}
    finally:
        os.kill(process, signal.SIGCONT)
    await _counted(graph)
