"""What the recipes of the justfile do, one function per recipe."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urlsplit

import psutil
from rich.console import Console
from rich.table import Table

from deploy.local import stack
from deploy.local.engines import postgres_binary
from deploy.local.environment import local_settings
from deploy.local.programs import Program, end, marked, tail
from deploy.local.state import ROOT, StateFolder
from deploy.local.supervisor import Supervisor
from libs.settings import SUBGRAPHS

_SECONDS_TO_START = 600.0
_SECONDS_TO_STOP = 60.0
_SUPERVISOR_LOG = "supervisor.log"


def up(state: StateFolder, console: Console) -> int:
    """Runs the stack in the foreground."""
    settings = local_settings(state)
    ready = f"The graph answers at http://127.0.0.1:{settings.router_port}/graphql"
    return Supervisor(stack.programs(settings, state), state, console, ready).run()


def start(state: StateFolder, console: Console) -> int:
    """Runs the stack in the background and returns when it is ready, 1 when it did not become so."""
    if (running := state.supervisor()) is not None:
        console.print(f"already running here (supervisor {running})")
        return status(state, console)
    state.make()
    log = state.logs / _SUPERVISOR_LOG
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "--folder", str(state.path), "up"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=ROOT,
            start_new_session=True,
        )
    shown, deadline = 0, time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        ended, ready = child.poll() is not None, _is_ready(state, child.pid)
        shown = _echo(log, shown)
        if ended or ready:
            return 0 if ready else 1
        time.sleep(0.1)
    console.print(f"not ready after {_SECONDS_TO_START:.0f} s; `just logs supervisor` and `just status` tell more")
    return 1


def _echo(log: Path, shown: int) -> int:
    with log.open("rb") as file:
        file.seek(shown)
        new = file.read()
    sys.stdout.write(new.decode(errors="replace"))
    sys.stdout.flush()
    return shown + len(new)


def _is_ready(state: StateFolder, supervisor: int) -> bool:
    return state.supervisor() == supervisor and bool(_recorded(state).get("ready"))


def _recorded(state: StateFolder) -> dict[str, object]:
    try:
        recorded: dict[str, object] = json.loads(state.processes.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return recorded


def down(state: StateFolder, console: Console) -> int:
    """Ends the stack, and what a killed one left behind."""
    supervisor = state.supervisor()
    if supervisor is not None:
        processes = [psutil.Process(supervisor)] if psutil.pid_exists(supervisor) else []
        with console.status("ending"):
            end(processes, seconds=_SECONDS_TO_STOP)
    remains = marked(state.path)
    end(remains, seconds=10)
    console.print("ended" if supervisor or remains else "nothing runs here")
    return 0


def status(state: StateFolder, console: Console) -> int:
    """Shows every program and whether it answers now; returns 0 when all do."""
    supervisor = state.supervisor()
    if supervisor is None:
        console.print("not running")
        return 1
    recorded = _recorded(state).get("programs")
    known = recorded if isinstance(recorded, dict) else {}
    table, all_ready = Table("program", "state", "pid", "port", "failures"), True
    for program in stack.programs(local_settings(state), state):
        facts = known.get(program.name, {"phase": "not started"})
        phase = _phase_now(program, str(facts["phase"]))
        all_ready &= phase in {"ready", "done"}
        pid = "" if program.once else str(facts.get("pid") or "")
        table.add_row(program.name, phase, pid, str(program.port or ""), str(facts.get("failures", 0) or ""))
    console.print(table)
    return 0 if all_ready else 1


def _phase_now(program: Program, phase: str) -> str:
    if phase == "ready" and not program.ready():
        return "not answering"
    return phase


def logs(state: StateFolder, console: Console, name: str | None, *, follow: bool) -> int:
    """Prints the end of one log or of all; `follow` goes on until Ctrl-C."""
    found = sorted(state.logs.glob(f"{name or '*'}.log"))
    if not found:
        known = ", ".join(sorted(log.stem for log in state.logs.glob("*.log"))) or "none yet"
        console.print(f"no log {name or ''}; there are: {known}", markup=False)
        return 1
    if follow:
        return _replace_by("tail", ["-n", "100", "-F", *map(str, found)], {})
    for log in found:
        header = f"==> {log.stem} <==\n" if len(found) > 1 else ""
        sys.stdout.write(f"{header}{tail(log, 100)}\n")
    return 0


def _replace_by(program: str, arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    os.execvpe(program, [program, *arguments], {**os.environ, **environment})  # noqa: S606 - no shell is wanted


def reset(state: StateFolder, console: Console, *, sure: bool) -> int:
    """Ends the stack and removes its state folder, after asking."""
    if not sure and console.input(f"Remove {state.path} with all data in it? [y/N] ").strip().lower() != "y":
        console.print("nothing removed")
        return 1
    down(state, console)
    shutil.rmtree(state.path, ignore_errors=True)
    console.print(f"removed {state.path}", markup=False)
    return 0


def psql(state: StateFolder, arguments: Sequence[str]) -> int:
    """Replaces this process by psql, as superuser in the database of the settings."""
    url = urlsplit(local_settings(state).database_admin_url.get_secret_value())
    environment = {
        "PGHOST": url.hostname or "127.0.0.1",
        "PGPORT": str(url.port or 5432),
        "PGUSER": unquote(url.username or ""),
        "PGPASSWORD": unquote(url.password or ""),
        "PGDATABASE": url.path.lstrip("/"),
    }
    return _replace_by(str(postgres_binary("psql")), arguments, environment)


def run_once(state: StateFolder, name: str) -> int:
    """Runs `migrate` or `seed` by itself against what runs; returns its exit code."""
    local_settings(state)
    program = stack.migrate() if name == "migrate" else stack.seed(state)
    return subprocess.run(program.command, cwd=ROOT, env={**os.environ, **program.environment}, check=False).returncode


def events(state: StateFolder, arguments: Sequence[str]) -> int:
    """Runs an operator's command over events with the settings of the local stack; returns its exit code."""
    local_settings(state)
    command = (sys.executable, "-m", "deploy.events", *arguments)
    return subprocess.run(command, cwd=ROOT, env={**os.environ}, check=False).returncode


def accounts(state: StateFolder) -> int:
    """Prints the addresses and every demo account as JSON, and nothing else."""
    settings = local_settings(state)
    tenants = json.loads(state.accounts.read_text(encoding="utf-8")) if state.accounts.exists() else []
    answer = {
        "url": f"http://127.0.0.1:{settings.router_port}/graphql",
        "subgraphs": {name: f"http://127.0.0.1:{settings.port_of(name)}/graphql" for name in SUBGRAPHS},
        "platform": {
            "email": settings.platform_email,
            "password": settings.platform_password.get_secret_value(),
        },
        "tenants": tenants,
    }
    sys.stdout.write(json.dumps(answer, indent=2, ensure_ascii=False) + "\n")
    return 0
