"""The benchmark of events runs from beginning to end, and loses and doubles nothing, however slow the machine is."""

import subprocess
import sys

import pytest

from deploy.local.state import ROOT


@pytest.mark.deep
def test_a_small_run_of_everything() -> None:
    command = [sys.executable, "-m", "tests.benchmarks.events", "--only-print", "--rate=40", "--seconds=3"]
    run = subprocess.run(
        [*command, "--notifications=50"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
    )
    lines = run.stdout.splitlines()
    assert run.returncode in {0, 1}, run.stderr  # 1: too slow
    assert sum(line.startswith("| effects that are missing | 0 |") for line in lines) == 3
    for what in ("people without a mail", "people with two messages", "dead letters"):
        assert sum(line.startswith(f"| {what} | 0 |") for line in lines) == 2, what
