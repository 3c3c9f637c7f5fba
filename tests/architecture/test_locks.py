"""What is installed is locked by hash, and says nothing about where one machine fetched it from."""

import json
import re

import pytest

from tests.architecture.sources import ROOT, repository_files

PYTHON_LOCK, NODE_FOLDERS = ROOT / "requirements.lock", (ROOT / "router", ROOT / "tests/browser")
# written in halves, so that this file is not what it looks for
ADDRESSES = re.compile(
    "|".join(
        ("pypi" + r"\.org", "pythonhosted" + r"\.org", "npmjs" + r"\.org", "--index" + "-url", "--extra-index" + "-url")
    )
)
TOLD = {".ci", "justfile", "pyproject.toml", "requirements.lock", "compose.yaml", "Dockerfile", "deploy", "router"}


def test_no_file_names_a_registry():
    named = [
        str(path)
        for path in repository_files()
        if path.parts[0] in TOLD and ADDRESSES.search((ROOT / path).read_text(encoding="utf-8", errors="ignore"))
    ]
    assert named == []
    assert not [path for path in repository_files() if path.name in {"uv.lock", "pip.conf", "uv.toml"}]


def test_python_is_locked_by_hash():
    text = PYTHON_LOCK.read_text()
    assert "://" not in text
    entries = re.findall(r"^\w.*?(?=^\w|\Z)", text, re.MULTILINE | re.DOTALL)
    assert entries
    assert [entry.split()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("folder", NODE_FOLDERS, ids=lambda folder: folder.name)
def test_node_is_locked_by_hash(folder):
    packages = {
        name: entry
        for name, entry in json.loads((folder / "package-lock.json").read_text())["packages"].items()
        if name
    }
    assert packages
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if not entry.get("integrity") and not entry.get("link")] == []
