"""The files that cannot be run everywhere still agree with the code: compose, image, example, locks, recipes."""

import itertools
import json
import re
import subprocess
import tomllib
from typing import Any

import pytest
import yaml

from deploy import audit, env_example
from deploy.local.state import ROOT
from libs.settings import SUBGRAPHS, Settings

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SETTINGS = {f"WIYATA_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("name", ["compose.yaml", ".env.example", "deploy/Dockerfile", "justfile"])
def test_every_setting_named_in_a_file_exists(name: str) -> None:
    named = set(re.findall(r"WIYATA_[A-Z_]*[A-Z]", (ROOT / name).read_text()))
    assert named - SETTINGS == set()


def test_the_example_documents_every_setting_with_its_description() -> None:
    text = (ROOT / ".env.example").read_text()
    assert text == env_example.render(), "run `just schema`"
    for name, field in Settings.model_fields.items():
        assert f"# {field.description}\n# WIYATA_{name.upper()}=" in text


def test_compose_runs_every_process_from_the_one_image_and_not_as_root() -> None:
    services = COMPOSE["services"]
    ours = {name: service for name, service in services.items() if service["image"] == "wiyata"}
    assert ours.keys() == {*SUBGRAPHS, "worker", "migrate", "router"}
    assert all(service["command"] == [name] for name, service in ours.items())
    assert {name for name, service in services.items() if "healthcheck" not in service} == {"migrate"}
    assert {name for name, service in services.items() if "ports" in service} == {"router"}
    assert re.search(r"^USER 10001$", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE)


def test_compose_tells_each_process_only_its_own_secrets() -> None:
    knows = {name: set(service.get("environment", {})) for name, service in COMPOSE["services"].items()}
    assert {name for name, known in knows.items() if "WIYATA_DATABASE_ADMIN_URL" in known} == {"migrate"}
    assert {name for name, known in knows.items() if "WIYATA_TOKEN_SIGNING_KEYS" in known} == {"identity", "migrate"}
    assert not {name for name in knows["router"] if re.search("KEYS$|PASSWORD|PEPPER|BLIND", name)}


def test_the_lock_has_hashes_no_addresses_and_every_direct_dependency() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    pinned = re.findall(r"^([a-z0-9._-]+)==\S+", lock, re.MULTILINE)
    assert len(re.findall(r"^[a-z0-9._-]+==[^\n]*\\\n    --hash=sha256:", lock, re.MULTILINE)) == len(pinned)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"].values()
    named = [*project["project"]["dependencies"], *itertools.chain(*groups)]
    direct = {re.split(r"[^a-z0-9-]", requirement)[0] for requirement in named}
    assert direct - set(pinned) == set(), "run `just lock`"
    assert not (ROOT / "uv.lock").exists()


def test_every_recipe_of_the_issue_is_there_and_described() -> None:
    listed = subprocess.run([ROOT / ".venv/bin/just", "--list"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = dict(re.findall(r"^    ([a-z-]+).*?# (.+)$", listed.stdout, re.MULTILINE))
    expected = (
        "up start down status logs reset psql nats doctor migrate seed accounts check test test-deep bench schema lock"
        " dead-letters replay snapshot documents"
    )
    assert names.keys() == set(expected.split())


@pytest.mark.parametrize(
    ("read", "output", "known", "skipped"),
    [
        (audit.python_verdict, "", (), True),
        (audit.python_verdict, json.dumps({"dependencies": [{"name": "a", "skip_reason": "not found"}]}), (), True),
        (audit.python_verdict, json.dumps({"dependencies": [{"name": "a", "version": "1", "vulns": []}]}), (), False),
        (
            audit.python_verdict,
            json.dumps({"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}]}),
            ("a 1: CVE-1",),
            False,
        ),
        (audit.npm_verdict, json.dumps({"message": "405 Method Not Allowed", "statusCode": 405}), (), True),
        (audit.npm_verdict, json.dumps({"vulnerabilities": {}}), (), False),
        (
            audit.npm_verdict,
            json.dumps({"vulnerabilities": {"b": {"range": "<2", "severity": "high"}}}),
            ("b <2: high",),
            False,
        ),
    ],
)
def test_a_feed_that_says_nothing_is_skipped_never_passed(
    read: Any, output: str, known: tuple[str, ...], skipped: bool
) -> None:
    verdict = read(output)
    assert verdict.vulnerabilities == known
    assert (verdict.skipped is not None) is skipped
