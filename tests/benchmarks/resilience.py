"""`just bench resilience`: what operations feel of a subgraph that they do not need, when it is killed, stopped or slow.

Runs the product with real engines in a folder and on ports of its own, and two routers of production before it: one of them
has a process of that subgraph to itself, which stays well. The exit code is 1 when a bar is missed.
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
from dataclasses import dataclass, field, replace
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
from tests.benchmarks.http_load import CONNECTIONS, Answer, Outcome, Question, ask_once, closed_loop, open_loop
from tests.benchmarks.peers.running import Server, cores_used, serving
from tests.benchmarks.reads import note
from tests.benchmarks.results import Report, run
from tests.journeys.school import School
from tests.journeys.stack import ROOT, Stack, running_stack

FAILING: Final = "operations"
USUAL: Final = "usual"
CASES: Final = (USUAL, "killed", "stopped", "slow")
_TIMEOUT_MS: Final = 2_000
_PER_SECOND: Final = 15.0  # of each question
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
    f" stands for {_STANDS_SECONDS:g}). Two routers of production stand before the same subgraphs; the other one has its own {FAILING}, which stays well. Both get"
    f" the same load at the same time, so that what else the machine does counts for both: four questions by chance, {_PER_SECOND:g} a second"
    f" each, whatever became of those before. Two need academic and identity alone, two need {FAILING} and have {_WAITING} connections each. A router waits"
    f" {_TIMEOUT_MS / 1000:g} s for a subgraph, so that each round sees calls that wait and calls that are refused. Ratios are those of one round,"
    " of the router before the failing subgraph to the other; the median of the rounds is told, with the least and the most."
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


Outcomes = dict[str, Outcome]
"""What each question saw."""


@dataclass
class Round:
    """One case of one round: at the router before the failing subgraph and at the other, what became of those who need it
    (by question), the latency of a refusal, how long the way back took, and what both routers computed, seconds.
    """

    here: Outcomes
    other: Outcomes
    kinds: dict[str, Counter[str]]
    refused_ms: float | None
    back_seconds: float
    cpu_seconds: tuple[float, float]


@dataclass
class Bench:
    """What runs, what is asked, and what was seen: the rounds by case."""

    stack: Stack
    router: Server
    other: Server
    questions: dict[str, Told]
    seconds: float
    seen: dict[str, list[Round]] = field(default_factory=lambda: {case: [] for case in CASES})

    async def warm_up(self) -> None:
        """Each question at both routers for a moment."""
        for question in self.questions.values():
            for router in (self.router, self.other):
                await closed_loop(router.port, [question], _WARM_UP_SECONDS / 4, connections=2)

    async def round(self, case: str, seed: int) -> None:
        """Measures one case, and waits until everything is well again."""
        await self.warm_up()
        here = {name: replace(question, kinds=Counter()) for name, question in self.questions.items()}
        async with failing(self.stack, case):
            before = self._cpu_seconds()
            ours, others = await asyncio.gather(
                self._load(self.router.port, here, seed), self._load(self.other.port, self.questions, seed + 100)
            )
            used = tuple(after - was for after, was in zip(self._cpu_seconds(), before, strict=True))
            refused = await self._refusal_ms() if case in {"killed", "stopped"} else None
        began = time.monotonic()
        await self._until_whole()
        kinds = {name: question.kinds for name, question in here.items()}
        self.seen[case].append(Round(ours, others, kinds, refused, time.monotonic() - began, (used[0], used[1])))

    def _cpu_seconds(self) -> tuple[float, float]:
        return self.router.cpu_seconds(), self.other.cpu_seconds()

    async def _load(self, port: int, questions: Mapping[str, Told], seed: int) -> Outcomes:
        async def arrive(number: int, name: str) -> Outcome:
            return await open_loop(
                port,
                [questions[name]],
                self.seconds,
                per_second=_PER_SECOND,
                seed=seed * 10 + number,
                connections=_WAITING if name in {_ALONE, _MIXED} else CONNECTIONS,
            )

        outcomes = await asyncio.gather(*(arrive(number, name) for number, name in enumerate(questions)))
        return dict(zip(questions, outcomes, strict=True))

    async def _refusal_ms(self) -> float:
        """The median answer of those who need the subgraph while its circuit is open."""
        outcome = await closed_loop(self.router.port, [self.questions[_MIXED]], _WARM_UP_SECONDS, connections=1)
        return outcome.percentile(0.5)

    async def _until_whole(self) -> None:
        question, deadline = self.questions[_MIXED], time.monotonic() + _LONGEST_RECOVERY_SECONDS
        while not Question.answered_by(question, await ask_once(self.router.port, question)):
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
    report.table("Needs it not", "It is", "p50", "p95", "At the other router", "Ratio of p50", "Ratio of p95", "Errors")
    for name in (_LANE, _GATEWAY):
        for case in CASES:
            _tell_latency(bench, report, name, case)
    report.table("Needs it", "It is", "Whole", "Partial", "UNAVAILABLE", "p50", "p95", "Most", "Other answers")
    for name in (_ALONE, _MIXED):
        for case in CASES:
            _tell_kinds(bench, report, name, case)
    titles = ("A refusal takes", "Found again after", "CPU of the router, of the other's")
    report.table(f"While {FAILING} is", *titles)
    for case in CASES:
        rounds = bench.seen[case]
        refusals = [each.refused_ms for each in rounds if each.refused_ms is not None]
        told = f"{statistics.median(refusals):.1f} ms" if refusals else ""
        back = "" if case == USUAL else f"{statistics.median(each.back_seconds for each in rounds):.1f} s"
        cpu = statistics.median(ours / theirs for ours, theirs in (each.cpu_seconds for each in rounds))
        report.row(case, told, back, f"{cpu:.2f}")


def _tell_latency(bench: Bench, report: Report, name: str, case: str) -> None:
    rounds = bench.seen[case]
    here, other = ([getattr(each, which)[name] for each in rounds] for which in ("here", "other"))
    middle = {
        share: [statistics.median(each.percentile(share) for each in which) for which in (here, other)]
        for share in (0.5, 0.95)
    }
    ratios = {
        share: [one.percentile(share) / two.percentile(share) for one, two in zip(here, other, strict=True)]
        for share in (0.5, 0.95)
    }
    waits = [f"{ours:.1f} ms" for ours, _ in middle.values()]
    beside = ", ".join(f"{theirs:.1f} ms" for _, theirs in middle.values())
    told = [f"{statistics.median(each):.2f} ({min(each):.2f} to {max(each):.2f})" for each in ratios.values()]
    errors = sum(each.errors for each in (*here, *other))
    is_near = statistics.median(ratios[0.5]) <= _P50_BAR and statistics.median(ratios[0.95]) <= _P95_BAR
    bar = "0 errors" if case == USUAL else f"p50 ≤ {_P50_BAR:g}, p95 ≤ {_P95_BAR:g}, 0 errors"
    reached = not errors and (case == USUAL or is_near)
    report.row(name, case, *waits, beside, *told, errors, bar=bar, reached=reached)


def _tell_kinds(bench: Bench, report: Report, name: str, case: str) -> None:
    rounds = bench.seen[case]
    kinds = sum((each.kinds[name] for each in rounds), Counter[str]())
    outcomes = [each.here[name] for each in rounds]
    waits = (statistics.median(each.percentile(share) for each in outcomes) for share in (0.5, 0.95, 1.0))
    counts = [kinds[kind] for kind in ("whole", "partial", "unavailable")]
    other = sum(len(each.latencies) for each in outcomes) - sum(counts)  # another answer, or none
    report.row(name, case, *counts, *(f"{each:.0f} ms" for each in waits), other, bar="0", reached=not other)


def production_router(stack: Stack, name: str, operations_port: int) -> Program:
    """A router of production before the product's subgraphs, with this process of the one that fails."""
    node, port, settings = find_node(), free_port(), stack.settings
    given: dict[str, Any] = {
        "environment": "production",
        "jwks_url": settings.jwks_url,
        "valkey_url": settings.valkey_url,
        "rate_exempt": settings.rate_exempt,
        "router_port": port,
        "router_upstream_timeout_ms": _TIMEOUT_MS,
        **{f"{name}_url": getattr(settings, f"{name}_url") for name in SUBGRAPHS},
        f"{FAILING}_url": f"http://{LOOPBACK}:{operations_port}/graphql",
    }
    return Program(
        name=name,
        command=(str(node.program), str(ROOT / "router" / "server.mjs")),
        ready=answers_http(port),
        port=port,
        environment={f"WIYATA_{key.upper()}": str(value) for key, value in given.items()} | node.environment(),
        folder=ROOT,
    )


@contextmanager
def prepared() -> Iterator[tuple[Stack, Server, Server]]:
    """The product, the router before the failing subgraph, and the other."""
    with tempfile.TemporaryDirectory(prefix="wiyata-bench-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name).resolve(), free_port()
        with running_stack(folder) as stack:
            programs = (
                stack.another(FAILING, port),
                production_router(stack, "router-here", getattr(stack.settings, f"{FAILING}_port")),
                production_router(stack, "router-other", port),
            )
            with serving(folder, *programs) as (_, here, other):
                yield stack, here, other


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


async def measure(stack: Stack, routers: tuple[Server, Server], report: Report, chosen: argparse.Namespace) -> None:
    """All cases, round by round, every other round from the other end."""
    bench = Bench(stack, *routers, await questions_of(stack), chosen.seconds)
    for _ in range(3):
        await bench.warm_up()
    began, before = time.monotonic(), cores_used()
    for number in range(chosen.rounds):
        for case in CASES if number % 2 == 0 else reversed(CASES):
            await bench.round(case, number)
    ours, others = ((b - a) / (time.monotonic() - began) for a, b in zip(before, cores_used(), strict=True))
    tell(bench, report)
    note(report, f"Cores used by all this: {ours:.2f}, by others on this machine: {others:.2f}.")


def main() -> int:
    """See `run`."""
    parser = argparse.ArgumentParser(prog="just bench resilience")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=7, help="of each case in a round")

    def measured(asked: argparse.Namespace, report: Report) -> None:
        with prepared() as (stack, *routers), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(stack, (routers[0], routers[1]), report, asked))

    return run(parser, _CONDITIONS, measured)


if __name__ == "__main__":
    sys.exit(main())
