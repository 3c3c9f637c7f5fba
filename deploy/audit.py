"""Known vulnerabilities of what the locks name: `python -m deploy.audit`.

Exits 1 when one is known. A feed that cannot be asked is reported as skipped, never as passed.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.node import find_node
from deploy.local.state import ROOT

_SECONDS_PER_REQUEST = 5
_SECONDS_IN_ALL = 60
"""A feed that swallows packets would otherwise hold every check for as many timeouts as there are packages."""


@dataclass(frozen=True)
class Verdict:
    """What a feed said: the vulnerabilities it knows, and why it (or part of it) said nothing."""

    vulnerabilities: tuple[str, ...] = ()
    skipped: str | None = None


def python_verdict(output: str) -> Verdict:
    """Reads pip-audit's JSON. A package that the feed could not look up counts as skipped."""
    try:
        found: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        return Verdict(skipped="the advisory feed did not answer")
    known = tuple(f"{item['name']} {item['version']}: {v['id']}" for item in found for v in item.get("vulns", ()))
    unasked = [package["name"] for package in found if "skip_reason" in package]
    return Verdict(known, f"{len(unasked)} of {len(found)} packages could not be looked up" if unasked else None)


def npm_verdict(output: str) -> Verdict:
    """Reads npm's JSON, which holds `vulnerabilities` only when the feed answered."""
    try:
        found: Mapping[str, Mapping[str, Any]] = json.loads(output)["vulnerabilities"]
    except (ValueError, KeyError):
        return Verdict(skipped="the advisory feed did not answer")
    return Verdict(tuple(f"{name} {fault['range']}: {fault['severity']}" for name, fault in found.items()))


def _output(command: Sequence[str], folder: Path) -> str:
    try:
        result = subprocess.run(  # noqa: S603 - our own commands
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS_IN_ALL
        )
    except subprocess.TimeoutExpired:
        return ""
    return result.stdout


def main() -> int:
    """Asks both feeds and prints what they say."""
    python = [sys.executable, "-m", "pip_audit", "--requirement", "requirements.lock", "--require-hashes"]
    python += ["--disable-pip", "--format", "json", "--progress-spinner", "off"]
    python += ["--timeout", str(_SECONDS_PER_REQUEST)]
    npm = [*find_node().npm, "audit", "--json", "--omit=dev", "--fetch-retries=0"]
    npm += [f"--fetch-timeout={_SECONDS_PER_REQUEST * 1000}"]
    verdicts = {
        "pip-audit": python_verdict(_output(python, ROOT)),
        "npm audit": npm_verdict(_output(npm, ROOT / "router")),
    }
    for name, verdict in verdicts.items():
        if verdict.skipped:
            print(f"{name}: SKIPPED, {verdict.skipped}")  # noqa: T201 - a command that reports
        elif not verdict.vulnerabilities:
            print(f"{name}: nothing known")  # noqa: T201
        for line in verdict.vulnerabilities:
            print(f"{name}: {line}")  # noqa: T201
    return 1 if any(verdict.vulnerabilities for verdict in verdicts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
