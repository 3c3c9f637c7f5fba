"""What this machine has of what Wiyata needs, and how the missing would come."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console

from deploy.local.chromium import find_chromium, packaged_chromium
from deploy.local.engines import nats, postgres, valkey
from deploy.local.node import find_node, packages_are_current
from deploy.local.ports import holder
from deploy.local.programs import Program, StartError, marked
from deploy.local.stack import ROUTER, programs
from deploy.local.state import StateFolder
from libs.settings import Settings

_OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One line of the report; `needed` tells whether its absence keeps the stack from starting."""

    name: str
    found: bool
    text: str
    needed: bool = True


def report(settings: Settings, state: StateFolder, console: Console) -> int:
    """Prints what is there and what is missing; returns 1 when something needed is missing."""
    missing = 0
    for finding in _findings(settings, state):
        sign = "✓" if finding.found else ("✗" if finding.needed else "-")
        console.print(f"{sign} {finding.name:<12}{finding.text}", markup=False, highlight=False, soft_wrap=True)
        missing += finding.needed and not finding.found
    return 1 if missing else 0


def _findings(settings: Settings, state: StateFolder) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", sys.version_info >= _OLDEST_PYTHON, f"{version} at {sys.executable}")
    yield _git()
    yield _node()
    text = "packages installed" if packages_are_current(ROUTER) else "packages missing or old; the next start installs"
    yield Finding("router", True, text)
    yield _engine("PostgreSQL", lambda: postgres(state.data, port=1, password=None))
    yield _engine("Valkey", lambda: valkey(state.data, port=1))
    yield _engine("NATS", lambda: nats(state.data, port=1))
    if os.geteuid() == 0:
        yield Finding("root", True, "PostgreSQL refuses root and gets a system user of its own")
    yield _chromium(state)
    yield from _ports(settings, state)
    yield _stack(state)


def _git() -> Finding:
    program = shutil.which("git")
    return Finding("git", program is not None, program or "not found", needed=False)


def _node() -> Finding:
    try:
        node = find_node()
    except StartError as error:
        return Finding("Node", False, str(error))
    return Finding("Node", True, f"{node.version} at {node.program}{' (package)' if node.packaged else ''}")


def _engine(name: str, program: Callable[[], Program]) -> Finding:
    try:
        command = program().command[0]
        result = subprocess.run([command, "--version"], capture_output=True, text=True, check=True, timeout=20)
    except (StartError, OSError, subprocess.SubprocessError) as error:
        return Finding(name, False, str(error))
    return Finding(name, True, f"{result.stdout.strip()} at {command}")


def _chromium(state: StateFolder) -> Finding:
    found = find_chromium()
    if found is not None:
        return Finding("Chromium", True, str(found), needed=False)
    packaged = packaged_chromium(state.chromium)
    if packaged.exists():
        return Finding("Chromium", True, f"{packaged} (package)", needed=False)
    return Finding("Chromium", False, "not found; the next start fetches a packaged one", needed=False)


def _ports(settings: Settings, state: StateFolder) -> Iterator[Finding]:
    own = {process.pid for process in marked(state.path)}
    try:
        table = programs(settings, state)
    except StartError:  # no Node: said above
        return
    for program in table:
        if program.port is None:
            continue
        held = holder(program.port)
        free = held is None or held.pid in own
        text = "free" if held is None else ("this stack's" if held.pid in own else str(held))
        yield Finding(f"port {program.port}", free, f"{text} ({program.name})")


def _stack(state: StateFolder) -> Finding:
    supervisor = state.supervisor()
    running = f"supervisor {supervisor} runs" if supervisor else "not running"
    seeded = "demo schools loaded" if state.accounts.exists() else "no demo schools yet"
    return Finding("stack", True, f"{running}, {seeded}, state in {state.path}")
