"""What every benchmark says of the machine, and where it writes what it measured.

A benchmark is a module here that runs by itself (`if __name__ == "__main__"`): `just bench` lists those. Its `main` hands what it
measures to `run`, and RESULTS.md holds the new figures in its place; the sections of other benchmarks stay as they are.
"""

import argparse
import os
import platform
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy.local.engines import postgres_binary

RESULTS = Path(__file__).with_name("RESULTS.md")

_HEAD = """# Results

What `just bench <name>` measured last: each benchmark writes the section of its name. Everything that takes part (engines,
processes, the load itself) runs on the cores named there.
"""


@dataclass
class Report:
    """Lines of the section; `missed` are the bars that were not reached."""

    lines: list[str]
    missed: list[str] = field(default_factory=list)

    def table(self, *titles: str) -> None:
        self._say("")
        self._say(f"| {' | '.join((*titles, 'Bar'))} |")
        self._say(f"|{' --- |' * (len(titles) + 1)}")

    def row(self, *cells: object, bar: str = "", reached: bool = True) -> None:
        self._say(f"| {' | '.join(map(str, (*cells, bar)))} |")
        if not reached:
            self.missed.append(f"{cells[0]}: {bar}")

    def _say(self, line: str) -> None:
        self.lines.append(line)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def run(parser: argparse.ArgumentParser, conditions: str, measure: Callable[[argparse.Namespace, Report], None]) -> int:
    """Measures, prints, and writes the section of RESULTS.md unless told not to; 1 when a bar was missed.

    The section has the name of the command, the last word of the parser's `prog`.
    """
    parser.add_argument("--only-print", action="store_true", help="leaves RESULTS.md as it is")
    asked = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):  # whoever ends this early ends what it started as well
        signal.signal(number, lambda *_: sys.exit(2))
    report = Report([machine(), "", conditions])
    measure(asked, report)
    if not asked.only_print:
        write_section(parser.prog.split()[-1], "\n".join(report.lines))
    for each in report.missed:
        sys.stderr.write(f"missed: {each}\n")
    return 1 if report.missed else 0


def machine() -> str:
    """One line about the machine and what runs on it, without a name or a path: cores, memory, versions, load.

    The load is that of the last minute, so call this before measuring.
    """
    memory = psutil.virtual_memory().total / 2**30
    answer = subprocess.run([postgres_binary("postgres"), "--version"], capture_output=True, text=True, check=True)
    postgres = answer.stdout.split()[-1]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{cores} cores ({_processor()}), {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()},"
        f" PostgreSQL {postgres}; load before the run {os.getloadavg()[0]:.1f}."
    )


def write_section(name: str, body: str, *, file: Path = RESULTS) -> None:
    """Puts `body` (Markdown, below the heading `## <name>`) in the place of what this benchmark wrote before."""
    text = file.read_text(encoding="utf-8") if file.exists() else _HEAD
    head, *rest = re.split(r"(?m)^## ", text)
    sections = {title: content.strip() for title, _, content in (section.partition("\n") for section in rest)}
    sections[name] = body.strip()
    parts = [head.strip(), *(f"## {title}\n\n{content}" for title, content in sorted(sections.items()))]
    file.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
