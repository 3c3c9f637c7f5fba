"""GraphQL over HTTP as its own audit suite sees it: every MUST, SHOULD and MAY."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

from tests.router.conftest import NODE, ROUTER, Graph, node_environment

# Bare names are looked up where the process stands: in the router's packages, which have the suite for development alone.
AUDIT = """
import { auditServer } from 'graphql-http';
const results = await auditServer({ url: process.argv[1] });
console.log(JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
"""
AUDITS = 61  # of this version; a suite that shrinks or does not run must not pass


def assert_passes_audits(url: str) -> None:
    """Asserts that the suite finds nothing, not even what may be otherwise."""
    command: list[str | Path] = [NODE.program, "--input-type=module", "--eval", AUDIT, f"{url}/graphql"]
    done = subprocess.run(
        command, cwd=ROUTER, env=node_environment(), check=True, capture_output=True, text=True, timeout=60
    )
    results: list[dict[str, Any]] = json.loads(done.stdout)
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS


async def test_audit_suite_has_nothing_to_say(graph: Graph, planned: Graph) -> None:
    for each in (graph, planned):
        await asyncio.to_thread(assert_passes_audits, each.router.url)
