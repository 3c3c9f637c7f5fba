"""`just bench reads`: the compiled reads against an honest reference and against PostGraphile, and how they grow.

All run side by side over the same database, row-level security and settings of production: tokens verified, logs at info to
a file, metrics. Every request is of another school than the one before. The exit code is 1 when a bar of the design is missed.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import uvloop

from deploy.local.ports import free_port
from libs.settings import Settings
from tests.benchmarks.documents import ENTITIES, NESTED, SMALL, TWENTY, TWO_THOUSAND, Clients, Document
from tests.benchmarks.http_load import CONNECTIONS, Outcome, Question, ask_once, closed_loop, open_loop
from tests.benchmarks.peers.postgraphile import VERSION, add_relations, node_version, postgraphile
from tests.benchmarks.peers.running import (
    SHARED_BUFFERS,
    Server,
    another_database,
    cores_used,
    reference,
    running_engines,
    serving,
    subgraph,
)
from tests.benchmarks.results import Report, run
from tests.benchmarks.schools import GROWN, LARGE, ORDINARY, build, settle

_LARGE_SCHOOLS = range(900_001, 900_009)
_OFFERED = 0.6  # of what a server can: the load of the open loop
_FEW, _MANY = 10, 1_000

_CONDITIONS = (
    f"Engine: academic as it ships. Reference: Strawberry, SQLAlchemy's ORM and DataLoaders, tuned, behind the same application."
    f" PostGraphile {VERSION} on Node {node_version()}, with its tokens remembered as ours are. One process each, 8 connections to"
    f" the same database as the same role under the same row-level security, {SHARED_BUFFERS} of PostgreSQL's own memory;"
    " environment production, logs at info to files, metrics. 8 connections of load, every request of another school than the one before. Before anything is measured, the answers"
    " of all are compared byte for byte; under load their status, errors and objects are. Figures are medians of the rounds, ratios"
    " those of the rounds' ratios. People come by chance, in open load: to the engine and PostGraphile at 60 % of what the slower"
    " of the two can, to the reference at 60 % of what it can; waiting for a connection counts."
)


@dataclass(frozen=True)
class Bar:
    """A ratio of the design: `over` is divided by `under`."""

    name: str
    document: Document
    over: str
    under: str
    least: float


BARS = (
    Bar("engine against the reference, nested query", NESTED, "engine", "reference", 12),
    Bar("engine against PostGraphile, small query", SMALL, "engine", "postgraphile", 1.2),
    Bar("engine against PostGraphile, nested query", NESTED, "engine", "postgraphile", 2),
    Bar("engine against the reference, `_entities`", ENTITIES, "engine", "reference", 4),
)
_GROWTH_OF_CPU, _GROWTH_OF_TIME = 5.0, 1.3


@dataclass
class Measured:
    """What one server did with one document, round by round."""

    server: Server
    questions: list[Question]
    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)
    latencies: list[Outcome] = field(default_factory=list)
    offered: float = 0.0
    errors: int = 0

    async def saturate(self, seconds: float) -> None:
        """One closed loop."""
        before = self.server.cpu_seconds()
        outcome = await closed_loop(self.server.port, self.questions, seconds)
        asked = len(outcome.latencies)
        self.cpu_ms.append((self.server.cpu_seconds() - before) / asked * 1000)
        self.sizes.append(outcome.bytes / asked)
        self.rates.append(outcome.rate)
        self.errors += outcome.errors

    async def arrive(self, seconds: float, seed: int) -> None:
        """One open loop."""
        outcome = await open_loop(self.server.port, self.questions, seconds, per_second=self.offered, seed=seed)
        self.latencies.append(outcome)
        self.errors += outcome.errors

    def median_ms(self, share: float) -> float:
        """The median over the rounds of a percentile."""
        return statistics.median(outcome.percentile(share) for outcome in self.latencies)


@dataclass(frozen=True)
class Bench:
    """What was asked for, where the engines are, and where the figures go."""

    settings: Settings
    folder: Path
    asked: argparse.Namespace
    report: Report

    @property
    def rounds(self) -> range:
        """Odd ones go through the servers from the other end."""
        return range(self.asked.rounds)


Table = dict[tuple[Document, str], Measured]


async def compare(
    bench: Bench, servers: Sequence[Server], clients: Clients, documents: Sequence[Document] = (SMALL, NESTED, ENTITIES)
) -> Table:
    """Every document against every server that knows it: alternating, first as fast as it goes, then as people come."""
    asked, table = bench.asked, Table()
    for document in documents:
        for server in servers:
            is_peer = server.name == "postgraphile"
            if document.peer or not is_peer:
                table[document, server.name] = Measured(server, clients.questions(document, peer=is_peer))
        rows = [measured for (each, _), measured in table.items() if each is document]
        await _answers_agree(rows)
        for measured in rows:
            await closed_loop(measured.server.port, measured.questions, asked.warm_up)
        for number in bench.rounds:
            for measured in rows if number % 2 == 0 else reversed(rows):
                await measured.saturate(asked.seconds)
        able = {measured.server.name: statistics.median(measured.rates) for measured in rows}
        fast = min(rate for name, rate in able.items() if name != "reference")
        for measured in rows:
            measured.offered = _OFFERED * (able["reference"] if measured.server.name == "reference" else fast)
        for number in bench.rounds:
            for measured in rows if number % 2 == 0 else reversed(rows):
                await measured.arrive(asked.seconds, seed=number)
    return table


async def _answers_agree(rows: Sequence[Measured]) -> None:
    """The same bytes from everybody, for some of the schools; only then it is the same work. Raises RuntimeError."""
    for number in range(0, len(rows[0].questions), 17):
        answers = {}
        for measured in rows:
            question = measured.questions[number]
            answer = await ask_once(measured.server.port, question)
            if not question.answered_by(answer):
                raise RuntimeError(f"{measured.server.name} answers {answer.status}: {answer.body[:500]!r}")
            answers[measured.server.name] = answer.body
        if len(set(answers.values())) > 1:
            raise RuntimeError(f"the answers differ: { {name: body[:300] for name, body in answers.items()} }")


def tell_comparison(report: Report, table: Table, bars: Sequence[Bar] = BARS) -> None:
    """Rates, latencies and the ratios against their bars."""
    titles = ("Answers a second", "CPU of the server, each", "Answer", "Errors")
    report.table(f"As fast as it goes, {CONNECTIONS} connections", "Server", *titles)
    for (document, name), measured in table.items():
        rate, cpu = statistics.median(measured.rates), statistics.median(measured.cpu_ms)
        size, errors = statistics.median(measured.sizes) / 1000, measured.errors
        cells = (f"{rate:.0f}", f"{cpu:.2f} ms", f"{size:.1f} kB", errors)
        report.row(document.name, name, *cells, bar="0 errors", reached=not errors)
    report.table("As people come", "Server", "Offered, a second", "p50", "p95", "p99")
    for (document, name), measured in table.items():
        waits = (f"{measured.median_ms(share):.1f} ms" for share in (0.5, 0.95, 0.99))
        report.row(document.name, name, f"{measured.offered:.0f}", *waits)
    report.table("Ratios", "Measured", "Rounds")
    for bar in bars:
        over, under = table.get((bar.document, bar.over)), table.get((bar.document, bar.under))
        if over is not None and under is not None:
            _tell_ratio(report, bar, [a / b for a, b in zip(over.rates, under.rates, strict=True)])


def _tell_ratio(report: Report, bar: Bar, ratios: Sequence[float]) -> None:
    middle = statistics.median(ratios)
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    report.row(bar.name, f"{middle:.2f}", spread, bar=f"≥ {bar.least:g}", reached=middle >= bar.least)


async def measure_growth_of_answers(bench: Bench, engine: Server) -> None:
    """The same document over schools with 56 classes, for a few objects and for many."""
    clients = Clients(bench.settings, _LARGE_SCHOOLS)
    small, large = (Measured(engine, clients.questions(document)) for document in (TWENTY, TWO_THOUSAND))
    for measured in (small, large):
        await closed_loop(engine.port, measured.questions, bench.asked.warm_up)
    for _ in bench.rounds:
        await small.saturate(bench.asked.seconds)
        await large.saturate(bench.asked.seconds)
    few, many = statistics.median(small.cpu_ms), statistics.median(large.cpu_ms)
    report, errors = bench.report, small.errors + large.errors
    report.table("CPU outside PostgreSQL, by size of the answer", "Each", "Answer", "Errors")
    report.row(TWENTY.name, f"{few:.2f} ms", f"{statistics.median(small.sizes) / 1000:.1f} kB", small.errors)
    size = f"{statistics.median(large.sizes) / 1000:.0f} kB"
    report.row(TWO_THOUSAND.name, f"{many:.2f} ms", size, large.errors, bar="0 errors", reached=not errors)
    bar = f"< {_GROWTH_OF_CPU:g}"
    report.row("growth", f"{many / few:.2f}", "", "", bar=bar, reached=many / few < _GROWTH_OF_CPU)


async def measure_growth_of_data(bench: Bench) -> None:
    """The same queries over few schools and over many, each database with a subgraph of its own."""
    asked, report = bench.asked, bench.report
    places = {}
    for count in (_FEW, asked.many):
        settings = another_database(bench.settings, f"schools_{count}")
        began = time.monotonic()
        build(settings, GROWN, range(1, count + 1), _today())
        places[count] = (settings, settle(settings))
        note(report, f"{count:,} schools, {places[count][1]:,} rows: built in {time.monotonic() - began:.0f} s.")
    programs = [subgraph(settings, f"engine-{count}") for count, (settings, _) in places.items()]
    report.table("The same query over more data", "Schools", "Rows", "Answers a second", "Time each", "Errors")
    with serving(bench.folder, *programs) as servers:
        for document in (SMALL, NESTED):
            rows = [
                Measured(server, Clients(settings, range(1, count + 1)).questions(document))
                for server, (count, (settings, _)) in zip(servers, places.items(), strict=True)
            ]
            await _alternate(rows, bench)
            for measured, (count, (_, size)) in zip(rows, places.items(), strict=True):
                rate = statistics.median(measured.rates)
                cells = (
                    f"{count:,}",
                    f"{size:,}",
                    f"{rate:.0f}",
                    f"{CONNECTIONS / rate * 1000:.1f} ms",
                    measured.errors,
                )
                report.row(document.name, *cells, bar="0 errors", reached=not measured.errors)
            few, many = rows
            slower = statistics.median(a / b for a, b in zip(few.rates, many.rates, strict=True))
            bar = f"≤ {_GROWTH_OF_TIME:g}"
            report.row(
                f"{document.name}: time", "", "", f"{slower:.2f}", "", "", bar=bar, reached=slower <= _GROWTH_OF_TIME
            )


async def _alternate(rows: Sequence[Measured], bench: Bench) -> None:
    for measured in rows:  # every school once, so that caches of tokens and schools are as warm as those of the few
        await closed_loop(
            measured.server.port, measured.questions, max(bench.asked.warm_up, len(measured.questions) / 100)
        )
    for number in bench.rounds:
        for measured in rows if number % 2 == 0 else reversed(rows):
            await measured.saturate(bench.asked.seconds)


def note(report: Report, text: str) -> None:
    """A paragraph between tables."""
    report.lines += ["", text]
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()


@contextmanager
def prepared(asked: argparse.Namespace, report: Report) -> Iterator[Bench]:
    """Engines with the schools of the comparison."""
    with tempfile.TemporaryDirectory(prefix="wiyata-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with running_engines(folder) as settings:
            began = time.monotonic()
            build(settings, ORDINARY, range(1, asked.schools + 1), _today())
            build(settings, LARGE, _LARGE_SCHOOLS, _today())
            add_relations(settings)
            rows = settle(settings)
            note(
                report,
                f"{asked.schools:,} schools with 15 classes of 36 pupils and {len(_LARGE_SCHOOLS)} with 56 classes, {rows:,} rows:"
                f" built in {time.monotonic() - began:.0f} s.",
            )
            yield Bench(settings, folder, asked, report)


async def measure(bench: Bench) -> None:
    """All of it, one after the other."""
    began, before = time.monotonic(), cores_used()
    programs = [subgraph(bench.settings), reference(bench.settings)]
    if not bench.asked.without_postgraphile:
        programs.append(postgraphile(bench.settings, free_port()))
    with serving(bench.folder, *programs) as servers:
        clients = Clients(bench.settings, range(1, bench.asked.schools + 1))
        tell_comparison(bench.report, await compare(bench, servers, clients))
        await measure_growth_of_answers(bench, servers[0])
    if bench.asked.many:
        await measure_growth_of_data(bench)
    ours, others = (b - a for a, b in zip(before, cores_used(), strict=True))
    lasted = time.monotonic() - began
    note(
        bench.report, f"Cores used by all this: {ours / lasted:.2f}, by others on this machine: {others / lasted:.2f}."
    )


def _today() -> date:
    return datetime.now(UTC).date()


def main() -> int:
    """See `run`."""
    parser = argparse.ArgumentParser(prog="just bench reads")
    parser.add_argument("--schools", type=int, default=100)
    parser.add_argument(
        "--many", type=int, default=_MANY, help="schools of the large database, 10,000 rows each; 0: none"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6, help="of each loop")
    parser.add_argument("--warm-up", type=float, default=3, help="seconds before the first round")
    parser.add_argument("--without-postgraphile", action="store_true", help="where npm cannot reach its packages")

    def measured(asked: argparse.Namespace, report: Report) -> None:
        with prepared(asked, report) as bench, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(bench))

    return run(parser, _CONDITIONS, measured)


if __name__ == "__main__":
    sys.exit(main())
