import asyncio
from datetime import datetime

import httpx
import pytest
from starlette.applications import Starlette

from libs.telemetry import health, health_routes


class Thing:
    """Something a process needs, which a test can break."""

    def __init__(self) -> None:
        self.calls = 0
        self.broken: Exception | None = None
        self.hangs = False

    async def check(self) -> None:
        self.calls += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.broken:
            raise self.broken


@pytest.fixture
def database():
    return Thing()


@pytest.fixture
def valkey():
    return Thing()


@pytest.fixture
async def client(database, valkey):
    checks = {"database": database.check, "valkey": valkey.check}
    app = Starlette(routes=health_routes("academic", "1.2.3", checks, ready=["database"]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_everything_up(client):
    answer = await client.get("/health")
    body = answer.json()
    assert answer.status_code == 200
    assert datetime.fromisoformat(body.pop("timestamp")).tzinfo
    assert body == {"status": "ok", "version": "1.2.3", "checks": {"database": "ok", "valkey": "ok"}}
    assert answer.headers["cache-control"] == "no-store"


async def test_a_failure_says_down_and_nothing_more(client, valkey):
    valkey.broken = ConnectionError("valkey.internal:6379 refused")
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "down")
    assert answer.json()["checks"] == {"database": "ok", "valkey": "down"}
    assert "internal" not in answer.text
    assert "refused" not in answer.text


async def test_ready_asks_only_what_the_process_needs_and_live_nothing(client, database, valkey):
    valkey.broken = database.broken = ConnectionError()
    live = await client.get("/health/live")
    assert (live.status_code, live.json()["checks"], database.calls) == (200, {}, 0)
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["checks"]) == (503, {"database": "down"})
    assert valkey.calls == 0


async def test_a_hanging_check_is_down(client, database, monkeypatch):
    monkeypatch.setattr(health, "CHECK_TIMEOUT", 0.02)
    database.hangs = True
    assert (await client.get("/health/ready")).json()["checks"] == {"database": "down"}


async def test_probes_cannot_hammer(client, database):
    await asyncio.gather(*(client.get("/health") for _ in range(30)))
    assert database.calls == 1
    database.broken = ConnectionError()
    assert (await client.get("/health")).status_code == 200  # the kept result
    assert database.calls == 1


async def test_a_result_does_not_outlive_its_second(client, database, monkeypatch):
    monkeypatch.setattr(health, "CACHED_FOR", 0.0)
    states = []
    for broken in (None, ConnectionError(), None):
        database.broken = broken
        states.append((await client.get("/health")).status_code)
    assert states == [200, 503, 200]


def test_a_ready_name_without_a_check_is_refused():
    with pytest.raises(ValueError, match="no such check: nats"):
        health_routes("academic", "1", {}, ready=["nats"])
