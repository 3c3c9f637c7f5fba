"""The supervisor: order, restarts, and that nothing it started outlives it, however it ended."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.ports import free_port, holder
from deploy.local.programs import end, marked
from deploy.local.state import ROOT, StateFolder, write_private

_STAND_IN = Path(__file__).with_name("stand_in.py")


def eventually(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


class Run:
    """Supervisors over one state folder, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.state = StateFolder(folder)
        self.port = free_port()
        self.started: list[subprocess.Popen[str]] = []

    def start(self, variant: str = "plain") -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(_STAND_IN), str(self.state.path), str(self.port), variant],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "WIYATA_TOKEN_SIGNING_KEYS": "secret"},
        )
        self.started.append(process)
        return process

    def recorded(self) -> dict[str, object]:
        try:
            return json.loads(self.state.processes.read_text())
        except FileNotFoundError:
            return {}

    def await_ready(self) -> None:
        eventually(lambda: bool(self.recorded().get("ready")), "ready")

    def program(self, name: str) -> dict[str, object]:
        return self.recorded()["programs"][name]

    def names(self) -> list[str]:
        return sorted(process.name() for process in marked(self.state.path))


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    made = Run(tmp_path / "state")
    yield made
    for process in made.started:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()
    end(marked(made.state.path), seconds=0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_grandchildren_included(run: Run, number: signal.Signals) -> None:
    supervisor = run.start()
    run.await_ready()
    assert len(run.names()) == 3  # web, its own sleep, after
    assert run.state.supervisor() == supervisor.pid
    for process in marked(run.state.path):
        assert "WIYATA_TOKEN_SIGNING_KEYS" not in process.environ()

    supervisor.send_signal(number)
    output, _ = supervisor.communicate(timeout=20)

    assert supervisor.returncode == 0
    assert marked(run.state.path) == []
    assert holder(run.port) is None
    assert run.state.supervisor() is None
    told = [line.split()[1] for line in output.splitlines() if line.startswith("✓")]
    assert told == ["web", "step", "after"]  # in the order of their needs
    assert "all is there" in output
    assert "web speaks" in (run.state.logs / "web.log").read_text()


def test_after_a_killed_supervisor_the_next_one_ends_its_orphans(run: Run) -> None:
    supervisor = run.start()
    run.await_ready()
    orphans = marked(run.state.path)
    supervisor.kill()
    supervisor.communicate()
    assert all(process.is_running() for process in orphans)

    following = run.start()
    eventually(lambda: run.state.supervisor() == following.pid, "its name in the lock")
    run.await_ready()

    assert not any(process.is_running() for process in orphans)
    assert len(run.names()) == 3


def test_what_a_killed_supervisor_recorded_is_gone_once_the_next_one_has_the_lock(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    state.make()
    write_private(state.processes, {"ready": True, "programs": {}})
    os.close(state.lock())
    assert not state.processes.exists()


def test_a_stale_lock_file_is_survived(run: Run) -> None:
    run.state.make()
    (run.state.path / "lock").write_text(str(os.getpid()))  # a living process, but no supervisor
    assert run.state.supervisor() is None
    run.start()
    run.await_ready()


def test_a_second_start_in_the_same_place_says_so(run: Run) -> None:
    first = run.start()
    run.await_ready()
    second = run.start()
    output, _ = second.communicate(timeout=20)
    assert second.returncode == 1
    assert f"already running here (supervisor {first.pid})" in output
    assert first.poll() is None
    assert len(run.names()) == 3


def test_a_taken_port_is_named_with_its_holder(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", run.port))
        taken.listen()
        supervisor = run.start()
        output, _ = supervisor.communicate(timeout=20)
    assert supervisor.returncode == 1
    assert f"web: port {run.port} is held by process {os.getpid()}: {psutil.Process().cmdline()[0]}" in output
    assert marked(run.state.path) == []


def test_a_program_that_dies_at_once_ends_the_start_with_its_last_lines(run: Run) -> None:
    supervisor = run.start("dying")
    output, _ = supervisor.communicate(timeout=20)
    assert supervisor.returncode == 1
    assert "after ended with 3 before it was ready\nmy last words" in output
    assert marked(run.state.path) == []


def test_a_program_that_dies_later_is_reported_and_started_again(run: Run) -> None:
    supervisor = run.start()
    run.await_ready()
    before = run.program("after")["pid"]
    os.kill(before, signal.SIGKILL)
    eventually(lambda: run.program("after")["phase"] == "ready" and run.program("after")["pid"] != before, "again")
    assert run.program("after")["failures"] == 1
    supervisor.send_signal(signal.SIGTERM)
    output, _ = supervisor.communicate(timeout=20)
    assert "✗ after ended with -9; starting it again in 1 s (just logs after)" in output
