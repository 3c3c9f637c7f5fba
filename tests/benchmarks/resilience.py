"""`just bench resilience`: what operations feel of a subgraph that they do not need, when it is killed, stopped or slow.

Runs the product with real engines in a folder and on ports of its own, and a router of production before it. The exit code is
1 when a bar is missed.
"""

import argparse
import asyncio
import contextlib
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import uvloop

from deploy.health import answers_http
from deploy.local.node import find_node
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.programs import Program
from libs.settings import SUBGRAPHS
from tests.benchmarks.events import Report
from tests.benchmarks.http_load import Answer, Outcome, Question, ask_once, closed_loop, open_loop
from tests.benchmarks.peers.running import Server, serving
from tests.benchmarks.results import machine, write_section
from tests.journeys.school import School
from tests.journeys.stack import ROOT, Stack, running_stack

FAILING: Final = "operations"
USUAL: Final = "usual"
CASES: Final = (USUAL, "killed", "stopped", "slow")
_TIMEOUT_MS: Final = 2_000
_PER_SECOND: Final = 25.0  # of each question
_WAITING: Final = 64  # connections of each question that needs the failing subgraph
_STANDS_SECONDS, _RUNS_SECONDS = 0.9, 0.1  # of the slow one
_WARM_UP_SECONDS: Final = 1.0
_LONGEST_RECOVERY_SECONDS: Final = 30.0
_P50_BAR, _P95_BAR = 1.5, 2.0

_LANE: Final = "classes, by the lane"
_GATEWAY: Final = "classes and their teachers, by the gateway"
_ALONE: Final = "assessments"
_MIXED: Final = "classes and their attendance"
_PUPILS: Final = "students(first: 36) { nodes { nis fullName %s } }"
_DOCUMENTS: Final = {
    _LANE: "{ classes(first: 20) { nodes { name " + _PUPILS % "" + " } } }",
    _GATEWAY: "{ classes(first: 20) { nodes { name homeroomTeacher { user { name } } " + _PUPILS % "" + " } } }",
    _ALONE: "{ assessments(first: 20) { nodes { id } } }",
    _MIXED: "{ classes(first: 20) { nodes { name " + _PUPILS % "attendanceSummary { present }" + " } } }",
}
_CONDITIONS: Final = (
    f"The product with real engines, {FAILING} as the subgraph that fails: killed (SIGKILL), stopped (SIGSTOP), or slow (of each second it"
    f" stands for {_STANDS_SECONDS:g}). Two questions need academic and identity alone, two need {FAILING}: all four arrive by chance, {_PER_SECOND:g} a"
    f" second each, whatever became of those before, the latter two over {_WAITING} connections each. The router is one of production that waits"
    f" {_TIMEOUT_MS / 1000:g} s for a subgraph, so that each round sees calls that wait and calls that are refused. Everything shares the cores. Ratios"
    " are those to the same round's usual; the median of the rounds is told."
)


@dataclass(frozen=True)
class Told(Question):
    """A question whose answers are counted by what they tell. Anything else than these three is an error."""

    kinds: Counter[str] = field(default_factory=Counter)

    def answered_by(self, answer: Answer) -> bool:
        """Whether it is whole, or tells in the graph's own words what is missing."""
        kind = self._kind(answer)
        self.kinds[kind] += 1
        return kind != "other"

    def _kind(self, answer: Answer) -> str:
        if super().answered_by(answer):
            return "whole"
        told = orjson.loads(answer.body) if answer.status == 200 else {}
        codes = {error.get("extensions", {}).get("code") for error in told.get("errors", ())}
        if codes != {"UNAVAILABLE"}:
            return "other"
        return "partial" if told.get("data") and answer.body.count(self.marker) == self.count else "unavailable"


def asked(document: str, headers: Mapping[str, str], marker: str, count: int) -> Told:
    """A request whose whole answer holds the marker so many times."""
    body = orjson.dumps({"query": document})
    head = [
        "POST /graphql HTTP/1.1",
        f"host: {LOOPBACK}",
        "content-type: application/json",
        "accept: application/json",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return Told("\r\n".join(head).encode() + b"\r\n\r\n" + body, marker.encode(), count)


@dataclass
class Round:
    """One case of one round: what each question saw, the latency of a refusal, and how long the way back took."""

    outcomes: dict[str, Outcome]
    kinds: dict[str, Counter[str]]
    refused_ms: float | None
    back_seconds: float


@dataclass
class Bench:
    """What runs, what is asked, and what was seen: the rounds by case."""

    stack: Stack
    port: int
    questions: dict[str, Told]
    seconds: float
    seen: dict[str, list[Round]] = field(default_factory=lambda: {case: [] for case in CASES})

    async def round(self, case: str, seed: int) -> None:
        """Measures one case, and waits until everything is well again."""
        for name in (_LANE, _GATEWAY):
            await closed_loop(self.port, [self.questions[name]], _WARM_UP_SECONDS / 2, connections=2)
        for question in self.questions.values():
            question.kinds.clear()
        async with failing(self.stack, case):
            outcomes = await self._load(seed)
            kinds = {name: Counter(question.kinds) for name, question in self.questions.items()}
            refused = await self._refusal_ms() if case in {"killed", "stopped"} else None
        began = time.monotonic()
        await self._until_whole()
        self.seen[case].append(Round(outcomes, kinds, refused, time.monotonic() - began))

    async def _load(self, seed: int) -> dict[str, Outcome]:
        async def arrive(number: int, name: str) -> Outcome:
            connections = _WAITING if name in {_ALONE, _MIXED} else 8
            given = {"per_second": _PER_SECOND, "seed": seed * 10 + number, "connections": connections}
            return await open_loop(self.port, [self.questions[name]], self.seconds, **given)

        outcomes = await asyncio.gather(*(arrive(number, name) for number, name in enumerate(self.questions)))
        return dict(zip(self.questions, outcomes, strict=True))

    async def _refusal_ms(self) -> float:
        """The median answer of those who need the subgraph while its circuit is open."""
        outcome = await closed_loop(self.port, [self.questions[_MIXED]], _WARM_UP_SECONDS, connections=1)
        return outcome.percentile(0.5)

    async def _until_whole(self) -> None:
        question, deadline = self.questions[_MIXED], time.monotonic() + _LONGEST_RECOVERY_SECONDS
        while not Question.answered_by(question, await ask_once(self.port, question)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{FAILING} is back, and the router does not find it")
            await asyncio.sleep(0.05)


@asynccontextmanager
async def failing(stack: Stack, case: str) -> AsyncIterator[None]:
    """The subgraph fails in this way until the block ends; then it is well again."""
    halting = asyncio.create_task(_halt(stack)) if case == "slow" else None
    if case == "killed":
        stack.kill(FAILING)
    elif case == "stopped":
        stack.signal(FAILING, signal.SIGSTOP)
    try:
        yield
    finally:
        if halting:
            halting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await halting
        if case == "killed":
            await asyncio.to_thread(stack.start, FAILING)
        else:
            stack.signal(FAILING, signal.SIGCONT)


async def _halt(stack: Stack) -> None:
    while True:
        stack.signal(FAILING, signal.SIGSTOP)
        await asyncio.sleep(_STANDS_SECONDS)
        stack.signal(FAILING, signal.SIGCONT)
        await asyncio.sleep(_RUNS_SECONDS)


def tell(bench: Bench, report: Report) -> None:
    """Latencies and their ratios against the bars, then what became of those who need the subgraph."""
    report.table("Needs it not", "It is", "p50", "p95", "p50, of the usual", "p95, of the usual", "Errors")
    for name in (_LANE, _GATEWAY):
        for case in CASES:
            _tell_latency(bench, report, name, case)
    report.table("Needs it", "It is", "Whole", "Partial", "UNAVAILABLE", "p50", "p95", "Most", "Other answers")
    for name in (_ALONE, _MIXED):
        for case in CASES:
            _tell_kinds(bench, report, name, case)
    report.table("The circuit", "A refusal takes", "Found again after")
    for case in CASES[1:]:
        rounds = bench.seen[case]
        refusals = [each.refused_ms for each in rounds if each.refused_ms is not None]
        told = f"{statistics.median(refusals):.1f} ms" if refusals else ""
        report.row(case, told, f"{statistics.median(each.back_seconds for each in rounds):.1f} s")


def _tell_latency(bench: Bench, report: Report, name: str, case: str) -> None:
    usual, here = ([each.outcomes[name] for each in bench.seen[which]] for which in (USUAL, case))
    ratios = {
        share: [one.percentile(share) / other.percentile(share) for one, other in zip(here, usual, strict=True)]
        for share in (0.5, 0.95)
    }
    p50, p95 = (statistics.median(ratios[share]) for share in (0.5, 0.95))
    waits = (f"{statistics.median(each.percentile(share) for each in here):.1f} ms" for share in (0.5, 0.95))
    errors = sum(each.errors for each in here)
    bar = "0 errors" if case == USUAL else f"p50 ≤ {_P50_BAR:g}, p95 ≤ {_P95_BAR:g}, 0 errors"
    told = [f"{statistics.median(each):.2f} ({min(each):.2f} to {max(each):.2f})" for each in ratios.values()]
    reached = not errors and (case == USUAL or (p50 <= _P50_BAR and p95 <= _P95_BAR))
    report.row(name, case, *waits, *(["", ""] if case == USUAL else told), errors, bar=bar, reached=reached)


def _tell_kinds(bench: Bench, report: Report, name: str, case: str) -> None:
    rounds = bench.seen[case]
    kinds = sum((each.kinds[name] for each in rounds), Counter[str]())
    latencies = [each.outcomes[name] for each in rounds]
    waits = [statistics.median(each.percentile(share) for each in latencies) for share in (0.5, 0.95, 1.0)]
    counts = (kinds[kind] for kind in ("whole", "partial", "unavailable"))
    # What is neither: an answer of another kind, or none.
    other = sum(len(each.latencies) for each in latencies) - sum(
        kinds[kind] for kind in ("whole", "partial", "unavailable")
    )
    report.row(name, case, *counts, *(f"{each:.0f} ms" for each in waits), other, bar="0", reached=not other)


def production_router(stack: Stack) -> Program:
    """A router of production before the product's subgraphs."""
    node, port, settings = find_node(), free_port(), stack.settings
    given: dict[str, Any] = {
        "environment": "production",
        "jwks_url": settings.jwks_url,
        "valkey_url": settings.valkey_url,
        "rate_exempt": settings.rate_exempt,
        "router_port": port,
        "router_upstream_timeout_ms": _TIMEOUT_MS,
        **{f"{name}_url": getattr(settings, f"{name}_url") for name in SUBGRAPHS},
    }
    return Program(
        name="router-production",
        command=(str(node.program), str(ROOT / "router" / "server.mjs")),
        ready=answers_http(port),
        port=port,
        environment={f"WIYATA_{key.upper()}": str(value) for key, value in given.items()} | node.environment(),
        folder=ROOT,
    )


@contextmanager
def prepared() -> Iterator[tuple[Stack, Server]]:
    """The product and the router before it."""
    with tempfile.TemporaryDirectory(prefix="wiyata-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        with running_stack(folder) as stack, serving(folder, production_router(stack)) as (server,):
            yield stack, server


async def questions_of(stack: Stack) -> dict[str, Told]:
    """Opens a school; its administrator asks. How many objects a whole answer has is counted while all is well."""
    async with httpx.AsyncClient(base_url=stack.url, timeout=60) as http:
        school = School("ketahanan", stack, http)
        await school.open()
        admin = school.people["Admin"]
        questions = {}
        for name, document in _DOCUMENTS.items():
            await admin.read(document)
            answer = await http.post("/graphql", json={"query": document}, headers=admin.headers)
            marker = '"nodes":' if name == _ALONE else '"nis":'
            questions[name] = asked(document, admin.headers, marker, answer.text.count(marker))
        return questions


async def measure(stack: Stack, port: int, report: Report, chosen: argparse.Namespace) -> None:
    """All cases, round by round, every other round from the other end."""
    bench = Bench(stack, port, await questions_of(stack), chosen.seconds)
    for name in bench.questions:
        await closed_loop(port, [bench.questions[name]], _WARM_UP_SECONDS)
    for number in range(chosen.rounds):
        for case in CASES if number % 2 == 0 else reversed(CASES):
            await bench.round(case, number)
    tell(bench, report)


def main() -> int:
    """Measures, prints, and writes the section of RESULTS.md unless told not to."""
    parser = argparse.ArgumentParser(prog="just bench resilience")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10, help="of each case in a round")
    parser.add_argument("--only-print", action="store_true", help="leaves RESULTS.md as it is")
    chosen = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):  # whoever ends this early ends what it started as well
        signal.signal(number, lambda *_: sys.exit(2))
    report = Report([machine(), "", _CONDITIONS])
    with prepared() as (stack, server), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(stack, server.port, report, chosen))
    if not chosen.only_print:
        write_section("resilience", "\n".join(report.lines))
    for each in report.missed:
        sys.stderr.write(f"missed: {each}\n")
    return 1 if report.missed else 0


if __name__ == "__main__":
    sys.exit(main())
