"""`python -m deploy.process`: settings it refuses, the worker's life, and the health it shows."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable

import httpx
import pytest

from deploy import VERSION, process
from deploy.health import answers_http
from deploy.local.ports import free_port
from deploy.local.state import ROOT
from libs.settings import Settings
from libs.telemetry import Metrics


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.process", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_unknown_and_malformed_settings_are_refused_by_name_and_not_repeated() -> None:
    result = run("identity", WIYATA_DATABSE_URL="x-typo", WIYATA_ROUTER_PORT="x-many", WIYATA_BLIND_INDEX_KEY="x-short")
    assert result.returncode == 2
    assert "WIYATA_DATABSE_URL: unknown setting" in result.stderr
    assert "WIYATA_ROUTER_PORT: " in result.stderr
    assert "WIYATA_BLIND_INDEX_KEY: " in result.stderr
    assert "x-" not in result.stderr


@pytest.mark.parametrize("arguments", [("identiti",), ("worker", "nobody"), ("identity", "academic"), ()])
def test_an_unknown_process_is_refused(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert "usage: python -m deploy.process" in result.stderr


class Recorder:
    """A worker that notes when it was told to stop."""

    def __init__(self, name: str, ended: list[str], error: Exception | None = None) -> None:
        self.name, self.ended, self.error = name, ended, error

    async def run(self, stop: asyncio.Event, metrics: Metrics) -> None:
        if self.error:
            raise self.error
        metrics.outbox_lag_seconds.labels(self.name).set(1.5)
        await stop.wait()
        self.ended.append(self.name)


def wire(monkeypatch: pytest.MonkeyPatch, **workers: Recorder) -> None:
    for name, worker in workers.items():
        module = types.ModuleType(f"subgraphs.{name}.app")
        module.create_worker = lambda _settings, worker=worker: worker  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)


async def test_workers_run_together_until_sigterm_and_show_health_and_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    wire(monkeypatch, identity=Recorder("identity", ended), academic=Recorder("academic", ended))
    settings = Settings(worker_port=free_port())
    working = asyncio.create_task(process._work(settings, ("identity", "academic")))
    ready = answers_http(settings.worker_port)
    await asyncio.to_thread(eventually, ready, "the worker is ready")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.worker_port}") as client:
        shown = (await client.get("/metrics")).text
    for name in ("identity", "academic"):
        assert f'outbox_lag_seconds{{service="{name}"}} 1.5' in shown.splitlines()
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(10):
        await working
    assert sorted(ended) == ["academic", "identity"]
    assert not ready()


async def test_a_worker_that_fails_ends_the_process_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    broken = Recorder("academic", ended, LookupError("no stream"))
    wire(monkeypatch, identity=Recorder("identity", ended), academic=broken)
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(10):
            await process._work(Settings(worker_port=free_port()), ("identity", "academic"))
    assert caught.group_contains(LookupError, match="no stream")


def test_the_version_is_the_project_s() -> None:
    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text()
