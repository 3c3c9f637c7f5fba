"""What every benchmark says of the machine, and where it writes what it measured.

A benchmark is a module here that runs by itself (`if __name__ == "__main__"`): `just bench` lists those. It measures, then

    write_section("events", f"{machine()}\n\n{table}")

and RESULTS.md holds the new figures in its place; the sections of other benchmarks stay as they are.
"""

import os
import platform
import re
import subprocess
from pathlib import Path

import psutil

from deploy.local.engines import postgres_binary

RESULTS = Path(__file__).with_name("RESULTS.md")

_HEAD = """# Results

What `just bench <name>` measured last: each benchmark writes the section of its name. Everything that takes part (engines,
processes, the load itself) runs on the cores named there.
"""


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
