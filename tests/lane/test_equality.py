"""The equality corpus: generated documents over the real graph are answered the same by the lane and by the gateway.

Compared are status, headers and every token of the body as it is written; only the spaces that PostgreSQL puts between the items of
a list are not. The naive settings that fail: a lane that does not look at what its sender may see, or takes answers with errors.
"""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from libs.auth import CLIENT_SCOPES
from libs.testing import actor_of
from tests.lane.corpus import WHOLE, Question, question, sender
from tests.lane.graph import BothWays
from tests.reads.asking import edges
from tests.reads.world import SCHOOLS, tenant_of
from tests.router.conftest import ROOT

SHARES = {
    "academic": 45,
    "identity": 25,
    "notification": 20,
    "finance": 25,
    "operations": 20,
    "admission": 20,
    WHOLE: 20,
}
"""Documents of each; in development, where an answer tells its cost, a third, twelve at least."""
DEEP = 20
"""Times as many."""
LEAST_WELL, LEAST_TAKEN = 0.15, 0.8
"""What a corpus is worth that proves something: so many of its documents are answered without an error, and so many of these by the
lane, where one subgraph can.
"""


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@pytest.fixture
def both(both_ways: BothWays, runner: asyncio.Runner) -> Iterator[BothWays]:
    yield both_ways
    runner.run(both_ways.close())


@pytest.mark.parametrize("subgraph", SHARES)
def test_answers_are_the_same_by_both_ways(both: BothWays, runner: asyncio.Runner, subgraph: str):
    share = SHARES[subgraph] if both.environment == "test" else max(SHARES[subgraph] // 3, 12)
    runner.run(walk(both, subgraph, share))


REGISTERED: dict[str, dict[str, Any]] = {
    "pupils": {"first": 5},
    "invoices": {},
    "open-admission-periods": {},
    "password-rules": {},
    "school-page": {"slug": SCHOOLS[0]},
}
"""The registered queries, of integrators and of visitors."""


@pytest.mark.parametrize("document", REGISTERED)
def test_registered_documents_are_answered_the_same(both: BothWays, runner: asyncio.Runner, document: str):
    text = (ROOT / "router" / "documents" / f"{document}.graphql").read_text(encoding="utf-8")
    is_public = document not in ("pupils", "invoices")
    program = replace(actor_of("principal", tenant_of(SCHOOLS[0])), client_id="c1", roles=(), permissions=CLIENT_SCOPES)
    headers = both.headers_of(None if is_public else program, SCHOOLS[0])
    named = {"documentId": hashlib.sha256(text.encode()).hexdigest()}
    for body in ({"query": text}, named):
        before = runner.run(both.lane.taken())
        answer = runner.run(both.send(json={**body, "variables": REGISTERED[document]}, headers=headers)).check()
        assert kind_of(answer) == "well", answer.text
        # An invoice's pupil is looked up in another subgraph.
        assert (runner.run(both.lane.taken()) - before).total() == (document != "invoices")


@pytest.mark.deep
@pytest.mark.parametrize("subgraph", SHARES)
def test_answers_are_the_same_by_both_ways_at_length(both: BothWays, runner: asyncio.Runner, subgraph: str):
    runner.run(walk(both, subgraph, SHARES[subgraph] * DEEP))


async def walk(both: BothWays, subgraph: str, count: int) -> None:
    """Asks so many, always the same, and tells each that differs. And the lane has really been taken."""
    told: Counter[str] = Counter()
    differing = []
    before = await both.lane.taken()
    for number in range(count):
        it = question(subgraph, number)
        try:
            told.update([kind_of(answers.check(of_many=subgraph == WHOLE)) async for answers in answers_to(both, it)])
        except AssertionError as difference:
            differing.append(f"{subgraph} {number} {it.who}: {difference}")
    assert not differing, "\n\n".join(differing)
    taken = await both.lane.taken() - before
    assert await both.normal.taken() == Counter()
    assert "INTERNAL" not in told
    well = told["well"] - told["known"]  # what is got by GET is not for the lane
    assert well >= count * LEAST_WELL
    assert taken[subgraph] >= well * LEAST_TAKEN or subgraph == WHOLE, (taken, told)


async def answers_to(both: BothWays, it: Question) -> Any:
    """Sends a question as it says: by its text, or with its hash, by its hash alone, by GET, and by GET once more."""
    headers = {**both.headers_of(sender(*it.who), it.who[0]), **it.headers}
    variables = {**it.variables, **await cursors(both, it, headers)}
    given = {"variables": variables} | ({"operationName": it.operation} if it.operation else {})
    if not it.by_hash:
        yield await both.send(json={"query": it.text, **given}, headers=headers)
        return
    named = {
        "extensions": {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(it.text.encode()).hexdigest()}}
    }
    yield await both.send(json={"query": it.text, **named, **given}, headers=headers)
    yield await both.send(json={**named, **given}, headers=headers)
    parameters = {name: each if isinstance(each, str) else json.dumps(each) for name, each in (named | given).items()}
    got = await both.send("GET", params=parameters, headers=headers)
    yield got
    if (etag := got.lane.headers.get("etag")) and "errors" not in got.lane.json():
        again = await both.send("GET", params=parameters, headers=headers | {"if-none-match": etag})
        assert (again.lane.status_code, again.lane.content) == (304, b"")
        yield again


def kind_of(answer: Any) -> str:
    """What becomes of a question: `well`, or the codes of its errors."""
    if not answer.content:
        return "known"
    errors = answer.json().get("errors", ())
    return ",".join(sorted({each["extensions"]["code"] for each in errors})) or "well"


async def cursors(both: BothWays, it: Question, headers: dict[str, str]) -> dict[str, str | None]:
    """A value for each variable that is a cursor: one of those that there are."""
    chosen: dict[str, str | None] = {}
    for cursor in it.cursors:
        answer = (await both.send(json={"query": cursor.probe}, headers=headers)).check()
        found = list(edges(answer.json().get("data")))
        chosen[cursor.variable] = found[cursor.choice % len(found)][0] if found else None
    return chosen
