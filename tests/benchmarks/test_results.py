"""The sections of RESULTS.md: each benchmark replaces its own and touches no other."""

import re
from pathlib import Path

from tests.benchmarks.results import machine, write_section


def test_a_section_replaces_what_its_benchmark_wrote_before(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.md"
    write_section("reads", "| slow |\n", file=file)
    write_section("events", "| old |", file=file)
    write_section("reads", "| fast |\n\n### deeper", file=file)
    text = file.read_text()
    assert text.startswith("# Results\n\nWhat `just bench <name>` measured last")
    assert text.endswith("\n\n## events\n\n| old |\n\n## reads\n\n| fast |\n\n### deeper\n")


def test_the_machine_is_described_without_its_name() -> None:
    assert re.fullmatch(
        r"\d+ cores \(.+\), \d+ GiB, \w+, Python 3\.\S+, PostgreSQL 18\.\S+; load before the run \d+\.\d\.", machine()
    )
