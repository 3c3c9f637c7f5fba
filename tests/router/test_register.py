"""Registering documents: what is faulty, too large or nobody's is refused; what is committed is registered as it is."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from tests.router.conftest import NODE, ROUTER, node_environment


def register(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [NODE.program, str(ROUTER / "register.mjs"), *arguments, str(folder)]
    return subprocess.run(command, env=node_environment(), capture_output=True, text=True, check=False)


def test_what_is_committed_is_registered(node_modules: None):
    assert register(ROUTER / "documents", "--check").returncode == 0


def test_manifest_says_what_a_document_needs_touches_and_costs(node_modules: None, tmp_path: Path):
    text = """# owner: Dinas Pendidikan
        query Pupils($first: Int, $guardians: Boolean!) {
          students(first: $first) { nodes { nis ...Whole } }
        }
        fragment Whole on Student { id guardians @include(if: $guardians) { user { email } } }"""
    (tmp_path / "pupils.graphql").write_text(text)
    assert register(tmp_path).returncode == 0
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest == {
        hashlib.sha256(text.encode()).hexdigest(): {
            "file": "pupils.graphql",
            "owner": "Dinas Pendidikan",
            "cost": 1 + 100 * (1 + 2 * (1 + 1 + 1)),
            "scopes": ["student:read", "user:read"],
            "personal": ["Student.nis", "User.email"],
        }
    }
    assert register(tmp_path, "--check").returncode == 0
    (tmp_path / "pupils.graphql").write_text(text + "\n")
    refused = register(tmp_path, "--check")
    assert (refused.returncode, "just documents" in refused.stderr) == (1, True)


def test_a_subscription_needs_what_its_field_needs(node_modules: None, tmp_path: Path):
    text = "# owner: x\nsubscription Marks($class: ID!) { attendanceRecorded(classId: $class) { id } }"
    (tmp_path / "marks.graphql").write_text(text)
    assert register(tmp_path).returncode == 0
    (entry,) = json.loads((tmp_path / "manifest.json").read_text()).values()
    assert entry["scopes"] == ["attendance:read"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("query A { school { name } }", "owner"),
        ("# owner: x\n{ school { name } }", "name"),
        ("# owner: x\nquery A { school { nope } }", "nope"),
        ("# owner: x\nquery A { school { name }", "Syntax"),
        ("# owner: x\nquery A { school { name } } query B { school { name } }", "one operation"),
        ("# owner: x\nquery A { " + " ".join(f"a{n}: school {{ name }}" for n in range(21)) + " }", "rootFields"),
    ],
)
def test_faulty_document_is_not_registered(node_modules: None, tmp_path: Path, text: str, told: str):
    (tmp_path / "a.graphql").write_text(text)
    refused = register(tmp_path)
    assert refused.returncode == 1
    assert told in refused.stderr
    assert not (tmp_path / "manifest.json").exists()
