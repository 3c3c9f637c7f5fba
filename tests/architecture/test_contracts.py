"""import-linter's contracts hold, and each of them can fail."""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.architecture.sources import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LIBS = (
    "kernel",
    "settings",
    "db",
    "telemetry",
    "auth",
    "crypto",
    "events",
    "files",
    "jobs",
    "graph",
    "pages",
    "testing",
)
PLAIN = {
    **{f"libs/{lib}/__init__.py": "" for lib in LIBS},
    "libs/__init__.py": "",
    "deploy/__init__.py": "",
    "subgraphs/__init__.py": "",
    **{f"subgraphs/{domain}/__init__.py": "" for domain in ("one", "two")},
    **{f"subgraphs/one/{aggregate}/__init__.py": "" for aggregate in ("pupil", "class_")},
    **{f"subgraphs/one/pupil/{room}.py": "" for room in ("model", "rules", "operations", "queries", "graph", "http")},
    **{f"subgraphs/one/{room}.py": "" for room in ("app", "schema", "consumers", "model")},
}
VIOLATIONS = [
    ("house", "libs/kernel/odd.py", "import subgraphs.one.model"),
    ("house", "subgraphs/one/pupil/rules.py", "import deploy"),
    ("libs", "libs/kernel/odd.py", "import libs.settings"),
    ("libs", "libs/db/odd.py", "import libs.auth"),
    ("libs", "libs/unheard_of/__init__.py", ""),
    ("subgraphs", "subgraphs/two/app.py", "import subgraphs.one.model"),
    ("testing", "subgraphs/one/pupil/graph.py", "import libs.testing"),
    ("app", "subgraphs/one/pupil/rules.py", "import subgraphs.one.app"),
    ("wired", "subgraphs/one/pupil/graph.py", "import subgraphs.one.schema"),
    ("graph-importers", "subgraphs/one/app.py", "import subgraphs.one.pupil.graph"),
    ("http-importers", "subgraphs/one/schema.py", "import subgraphs.one.pupil.http"),
    ("operations-importers", "subgraphs/one/class_/operations.py", "import subgraphs.one.pupil.operations"),
    ("model-importers", "subgraphs/one/app.py", "import subgraphs.one.pupil.model"),
    ("domain-model", "subgraphs/one/model.py", "import subgraphs.one.pupil.rules"),
    ("rules", "subgraphs/one/pupil/rules.py", "import libs.db"),
    ("model", "subgraphs/one/pupil/model.py", "import libs.events"),
    ("operations", "subgraphs/one/pupil/operations.py", "import strawberry"),
    ("operations", "subgraphs/one/pupil/queries.py", "import libs.graph"),
    ("graph", "subgraphs/one/pupil/graph.py", "import libs.events"),
    ("schema", "subgraphs/one/schema.py", "import libs.db"),
]  # fmt: skip


def lint(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-logo", "--no-cache"],
        cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(folder), "NO_COLOR": "1"},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def lay_out(folder: Path, files: dict[str, str]) -> None:
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_the_house_keeps_its_contracts():
    code, report = lint(ROOT)
    assert code == 0, report


def test_a_house_without_a_fault_passes(tmp_path):
    lay_out(tmp_path, PLAIN)
    code, report = lint(tmp_path)
    assert code == 0, report


def test_every_contract_can_fail(tmp_path):
    """All violations at once in one house: each contract reports the import planted for it."""
    files = dict(PLAIN)
    for _, path, text in VIOLATIONS:
        files[path] = files.get(path, "") + text + "\n"
    lay_out(tmp_path, files)
    code, report = lint(tmp_path)
    assert code == 1
    for contract in CONTRACTS:
        assert f"{contract['name']} BROKEN" in report, report
    assert {identity for identity, _, _ in VIOLATIONS} == {contract["id"] for contract in CONTRACTS}
    assert "libs.unheard_of" in report
