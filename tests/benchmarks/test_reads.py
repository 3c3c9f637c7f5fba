"""The benchmark of reads runs from beginning to end without an error, however slow the machine is."""

import subprocess
import sys

import pytest

from deploy.local.state import ROOT


@pytest.mark.deep
def test_a_small_run_of_everything() -> None:
    command = [sys.executable, "-m", "tests.benchmarks.reads", "--only-print", "--without-postgraphile", "--schools=3"]
    run = subprocess.run(
        [*command, "--many=2", "--rounds=1", "--seconds=0.3", "--warm-up=0.2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert run.returncode in {0, 1}, run.stderr  # 1: too slow
    assert "missed" not in "".join(line for line in run.stderr.splitlines() if "errors" in line)
    for name in (
        "engine against the reference, nested query",
        "growth",
        "nested: 15 classes, 36 pupils each, 6 fields: time",
    ):
        assert sum(line.startswith(f"| {name} |") for line in run.stdout.splitlines()) == 1, name
