"""The process: its settings, the supergraph it reads, and how it stops."""

import asyncio
import json
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.router.conftest import NODE, ROOT, ROUTER, Router, node_environment
from tests.router.subgraphs import SCHEMAS, Subgraph


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [NODE.program, *arguments],
        cwd=ROOT,
        env=node_environment(**settings),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


async def post(client: httpx.AsyncClient, query: str) -> Any:
    return (await client.post("/graphql", json={"query": query})).json()


def test_malformed_settings_are_refused_by_name_and_without_their_value() -> None:
    faulty = {
        "WIYATA_ENVIRONMENT": "staging",
        "WIYATA_ROUTER_PORT": "ten",
        "WIYATA_ACADEMIC_URL": "academic:4002",
        "WIYATA_CORS_ORIGINS": "https://app.example.test/",
        "WIYATA_SUPERGRAPH": "/nowhere/supergraph.graphql",
    }
    refused = run("router/server.mjs", **faulty)
    assert refused.returncode == 1
    assert sorted(re.findall(r"WIYATA_\w+", refused.stderr)) == sorted(faulty)
    assert [value for value in faulty.values() if value in refused.stderr] == []


def test_a_taken_port_is_named(router: Router, supergraph: Path) -> None:
    taken = run("router/server.mjs", WIYATA_ROUTER_PORT=str(router.port), WIYATA_SUPERGRAPH=str(supergraph))
    assert taken.returncode == 1
    assert json.loads(taken.stdout)["reason"] == "EADDRINUSE"
    assert json.loads(taken.stdout)["port"] == router.port


async def test_a_new_supergraph_is_served_and_a_mutation_under_way_is_finished(
    start_router: Any, supergraph: Path, subgraphs: dict[str, Subgraph], tmp_path: Path
) -> None:
    """Trap 10, reload: fails without `gracefulSchemaReload`, where the reload ends the mutation with SCHEMA_RELOAD."""
    copy = tmp_path / "supergraph.graphql"
    shutil.copy(supergraph, copy)
    router = start_router(WIYATA_SUPERGRAPH=str(copy))
    async with httpx.AsyncClient(base_url=router.url, timeout=10) as client:
        assert await post(client, "{ level(of: 1) }") == {"data": {"level": 1}}
        subgraphs["academic"].calls.clear()
        under_way = asyncio.create_task(post(client, "mutation { enroll(wait: 4) }"))
        await asyncio.sleep(0.1)
        copy.write_text(re.sub(r"\n +level\(of: Int!\).*", "", copy.read_text()))
        for _ in range(30):  # the file is looked at every second, and taken over a little later
            if "data" not in (answer := await post(client, "{ level(of: 1) }")):
                break
            await asyncio.sleep(0.1)
        assert "data" not in answer
        assert not under_way.done()
        assert await under_way == {"data": {"enroll": "enrolled"}}
        copy.write_text("type Query {")
        await asyncio.sleep(1.1)
        for _ in range(3):
            assert await post(client, "{ school }") == {"data": {"school": "SMA Gabriel Pereira"}}
    assert sum(b"enroll" in call.body for call in subgraphs["academic"].operations) == 1


async def test_a_termination_signal_lets_requests_under_way_finish(start_router: Any) -> None:
    """Trap 10, shutdown: fails with the runtime's own signal handler, which ends all upstream calls at once."""
    router = start_router()
    async with httpx.AsyncClient(base_url=router.url, timeout=10) as client:
        stream = client.stream(
            "POST",
            "/graphql",
            json={"query": "subscription { ticks(every: 0.1, count: 100) }"},
            headers={"accept": "text/event-stream"},
        )
        async with stream as events:
            under_way = asyncio.create_task(post(client, "mutation { enroll(wait: 1) }"))
            await asyncio.sleep(0.3)
            router.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.3)
            with pytest.raises(httpx.ConnectError):
                async with httpx.AsyncClient(base_url=router.url) as late:
                    await late.get("/health/live")
            assert await under_way == {"data": {"enroll": "enrolled"}}
            try:
                async for _ in events.aiter_bytes():
                    pass
            except httpx.RemoteProtocolError:
                pass  # a stream is cut where it stands; its client connects again
        assert await asyncio.to_thread(router.process.wait, 5) == 0


def test_composition_is_repeatable_and_its_errors_name_the_subgraphs(supergraph: Path, tmp_path: Path) -> None:
    for name, schema in SCHEMAS.items():
        (tmp_path / f"{name}.graphql").write_text(schema.as_str())
    again = run("router/compose.mjs", str(tmp_path))
    assert (again.returncode, again.stderr) == (0, "")
    assert (tmp_path / "supergraph.graphql").read_text() == supergraph.read_text()
    (tmp_path / "supergraph.graphql").unlink()

    notification = tmp_path / "notification.graphql"
    notification.write_text(notification.read_text().replace("outbox: Int", "outbox: Int\n  school: Int"))
    conflict = run("router/compose.mjs", str(tmp_path))
    assert conflict.returncode == 1
    assert "academic" in conflict.stderr
    assert "notification" in conflict.stderr
    notification.unlink()
    missing = run("router/compose.mjs", str(tmp_path))
    assert (missing.returncode, missing.stderr.split(":")[0]) == (1, "notification")
    assert not (tmp_path / "supergraph.graphql").exists()


def test_the_lock_names_no_download_address_and_keeps_every_digest() -> None:
    lock = json.loads((ROUTER / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if not entry["integrity"].startswith("sha512-")] == []
    assert "://" not in (ROUTER / ".npmrc").read_text()
