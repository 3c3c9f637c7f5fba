"""`just bench graph`: the principal's question, which crosses all six domains, through the router, and where its time goes.

Runs the local stack with its demo in a folder and on ports of its own. The exit code is 1 when the bar is missed.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil
import uvloop

from deploy.local.engines import DATABASE
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.programs import end, marked
from deploy.local.state import ROOT, StateFolder
from libs.settings import SUBGRAPHS
from tests.benchmarks.http_load import Question, closed_loop
from tests.benchmarks.results import Report, run

_BAR_MS = 300.0
_STUDENT = {
    "operations": "attendanceSummary { present absent late } gradeSummary { subject { name } finalScore predicate }",
    "finance": "outstandingBalance",
    "notification": "notifications(first: 1) { nodes { status } }",
    "identity": "guardians { user { name email } }",
}
_OVERVIEW = {
    "academic": "students",
    "operations": "presentToday",
    "finance": "unpaidTotal",
    "admission": "openApplications",
    "notification": "failedMessages",
}
_HOMEROOM = {"identity": "homeroomTeacher { user { name } }"}
_CONDITIONS = (
    "The demo school of 349 pupils, asked by its principal through the router: three classes with their pupils, 5 fields of the"
    " school, 108 pupils at most. Local stack, logs at info to files, everything on the same cores. Warm: each document was asked before it is measured."
)


def question(*domains: str) -> str:
    """The principal's question with the fields of these domains; academic's own are always there."""
    overview = " ".join(field for domain, field in _OVERVIEW.items() if domain in {"academic", *domains})
    student = " ".join(field for domain, field in _STUDENT.items() if domain in domains)
    homeroom = " ".join(field for domain, field in _HOMEROOM.items() if domain in domains)
    return (
        f"query Principal {{ school {{ name npsn overview {{ {overview} }} }}"
        f" classes(first: 3) {{ nodes {{ name {homeroom}"
        f" students(first: 36) {{ nodes {{ fullName {student} }} }} }} }} }}"
    )


class LocalStack:
    """The product with its demo, as `just start` runs it, over a folder and ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.state = StateFolder(folder)
        self.ports = {name: free_port() for name in (*SUBGRAPHS, "worker", "router")}
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("WIYATA_")}
        self._environment |= {f"WIYATA_{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        self._environment |= {
            "WIYATA_DATABASE_URL": f"postgresql://{LOOPBACK}:{free_port()}/{DATABASE}",
            "WIYATA_VALKEY_URL": f"redis://{LOOPBACK}:{free_port()}/0",
            "WIYATA_NATS_URL": f"nats://{LOOPBACK}:{free_port()}",
        }

    def run(self, word: str) -> str:
        """What a command of the local stack prints. Raises CalledProcessError."""
        command = [sys.executable, "-m", "deploy.local", "--folder", str(self.state.path), word]
        done = subprocess.run(command, cwd=ROOT, env=self._environment, capture_output=True, text=True, check=True)
        return done.stdout

    def cpu_seconds(self) -> dict[str, float]:
        """What each program has computed so far; PostgreSQL's processes count as one."""
        used: dict[str, float] = {}
        for process in psutil.Process(self.state.supervisor()).children(recursive=True):
            try:
                times, name = process.cpu_times(), _program(process.cmdline())
            except psutil.NoSuchProcess:
                continue
            used[name] = used.get(name, 0.0) + times.user + times.system
        return used


def _program(command: list[str]) -> str:
    line = " ".join(command)
    if "deploy.process" in line:
        return command[command.index("deploy.process") + 1]
    for name, mark in (("router", "server.mjs"), ("postgres", "postgres"), ("valkey", "valkey"), ("nats", "nats")):
        if mark in line:
            return name
    return "other"


@contextmanager
def running_demo() -> Iterator[LocalStack]:
    """Starts it, and ends it whatever happens."""
    with tempfile.TemporaryDirectory(prefix="wiyata-bench-", ignore_cleanup_errors=True) as name:
        stack = LocalStack(Path(name).resolve())
        try:
            stack.run("start")
            yield stack
        finally:
            stack.run("down")
            end(marked(stack.state.path), seconds=0)


async def principal(stack: LocalStack) -> dict[str, str]:
    """The headers of the principal of the larger demo school."""
    tenant = json.loads(stack.run("accounts"))["tenants"][0]
    account = next(each for each in tenant["accounts"] if each["role"] == "principal")
    given = {"email": account["email"], "password": account["password"]}
    document = "mutation($i: LoginInput!) { login(input: $i) { ... on LoginSuccess { accessToken } } }"
    async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{stack.ports['router']}", timeout=30) as http:
        headers = {"x-tenant-id": tenant["id"]}
        answer = await http.post("/graphql", json={"query": document, "variables": {"i": given}}, headers=headers)
        return headers | {"authorization": f"Bearer {answer.json()['data']['login']['accessToken']}"}


def asked(document: str, headers: Mapping[str, str]) -> Question:
    """The request of a document; a right answer holds 3 classes of pupils."""
    body = orjson.dumps({"query": document, "operationName": "Principal"})
    head = [
        "POST /graphql HTTP/1.1",
        f"host: {LOOPBACK}",
        "content-type: application/json",
        "accept: application/json",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return Question("\r\n".join(head).encode() + b"\r\n\r\n" + body, b'"students":{"nodes"', 3)


async def measure(stack: LocalStack, report: Report, seconds: float) -> None:
    """The whole question, then without one domain each, then with many connections at once."""
    headers, port = await principal(stack), stack.ports["router"]
    others = ("identity", "operations", "finance", "admission", "notification")
    whole = asked(question(*others), headers)
    without = {name: asked(question(*(each for each in others if each != name)), headers) for name in others}
    alone = asked(question(), headers)
    for each in (whole, *without.values(), alone):
        await closed_loop(port, [each], 1.0, connections=1)
    report.table("One connection", "p50", "p95", "Most", "Share of the whole", "Errors")
    base = await closed_loop(port, [whole], seconds, connections=1)
    _row(report, "the whole question", base, None, bar=True)
    for name, each in without.items():
        outcome = await closed_loop(port, [each], seconds, connections=1)
        _row(report, f"without {name}", outcome, base)
    _row(report, "academic alone", await closed_loop(port, [alone], seconds, connections=1), None)
    report.table("The whole question", "Answers a second", "p50", "p95", "p99", "Errors")
    for connections in (1, 8, 32):
        before, began = stack.cpu_seconds(), time.monotonic()
        outcome = await closed_loop(port, [whole], seconds, connections=connections)
        used = {name: value - before.get(name, 0.0) for name, value in stack.cpu_seconds().items()}
        times = (f"{outcome.percentile(share):.0f} ms" for share in (0.5, 0.95, 0.99))
        report.row(f"{connections} connections", f"{outcome.rate:.1f}", *times, outcome.errors)
        if connections == 8:
            _tell_cpu(report, used, len(outcome.latencies), time.monotonic() - began)


def _row(report: Report, name: str, outcome: Any, base: Any, *, bar: bool = False) -> None:
    median = outcome.percentile(0.5)
    share = "" if base is None else f"{(1 - median / base.percentile(0.5)) * 100:.0f} %"
    cells = (f"{median:.0f} ms", f"{outcome.percentile(0.95):.0f} ms", f"{max(outcome.latencies) * 1000:.0f} ms")
    report.row(
        name, *cells, share, outcome.errors, bar=f"p95 < {_BAR_MS:g} ms" if bar else "",
        reached=not bar or (outcome.percentile(0.95) < _BAR_MS and not outcome.errors),
    )  # fmt: skip


def _tell_cpu(report: Report, used: Mapping[str, float], requests: int, lasted: float) -> None:
    each = {name: value / requests * 1000 for name, value in used.items() if value / requests > 1e-5}
    listed = sorted(each.items(), key=lambda item: -item[1])
    said = ", ".join(f"{name} {value:.1f} ms" for name, value in listed)
    report.lines.append(
        f"\nCPU of one answer at 8 connections: {said}; {sum(used.values()) / lasted:.2f} cores in all.\n"
    )


def main() -> int:
    """See `run`."""
    parser = argparse.ArgumentParser(prog="just bench graph")
    parser.add_argument("--seconds", type=float, default=10, help="of each loop")

    def measured(asked: argparse.Namespace, report: Report) -> None:
        with running_demo() as stack, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(stack, report, asked.seconds))

    return run(parser, _CONDITIONS, measured)


if __name__ == "__main__":
    sys.exit(main())
