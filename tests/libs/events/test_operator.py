"""The operator's command over dead letters, replay and snapshot."""

import sys
from collections.abc import AsyncGenerator
from types import ModuleType
from uuid import UUID

import orjson
import pytest

from deploy.events import run
from libs.crypto import KeyRing
from libs.db import Database, TenantTransaction
from libs.events import Event, EventMeta
from libs.events.contracts.academic import SubjectCreated
from libs.events.outbox import OutboxWriter
from libs.jobs import SubgraphWorker
from libs.settings import Settings
from tests.libs.events.running import count_times, relay_and_consumer, seen
from tests.libs.events.test_flow import TENANT, consumed, emit, subject


async def test_the_operators_command(  # noqa: PLR0917 - fixtures
    settings: Settings,
    academic: Database,
    identity: Database,
    key_ring: KeyRing,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def fail(_: TenantTransaction, __: SubjectCreated, ___: EventMeta) -> None:
        raise RuntimeError

    async def tell(_: TenantTransaction) -> AsyncGenerator[Event, None]:
        yield subject()

    event = subject()
    async with relay_and_consumer(settings, key_ring, identity, {SubjectCreated: fail}):
        await emit(academic, event)
        await consumed(settings)

    def wired(subgraph: str) -> ModuleType:
        app = ModuleType("app")

        def create_worker(given: Settings) -> SubgraphWorker:
            database = Database(given, subgraph, on_flush=OutboxWriter(subgraph, key_ring))
            consumers = {SubjectCreated: count_times}
            return SubgraphWorker(given, database, key_ring, consumers=consumers, snapshots={"subject": tell})

        app.create_worker = create_worker  # type: ignore[attr-defined]
        return app

    for subgraph in ("identity", "academic"):
        monkeypatch.setitem(sys.modules, f"subgraphs.{subgraph}.app", wired(subgraph))

    await run(settings, ["dead-letters", "identity"])
    [letter] = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (letter["status"], UUID(letter["tenant_id"])) == ("OPEN", TENANT)
    await run(settings, ["dead-letters", "identity", "--replay", letter["id"]])
    assert await seen(identity, TENANT) == {event.subject_id: (1, "seen")}
    await run(settings, ["dead-letters", "identity"])
    assert capsys.readouterr().out == ""
    await run(settings, ["replay", "identity"])
    assert orjson.loads(capsys.readouterr().out) == {"read": 1}
    await run(settings, ["snapshot", "academic", str(TENANT)])
    assert orjson.loads(capsys.readouterr().out) == {"emitted": 1}
    assert await seen(identity, TENANT) == {event.subject_id: (1, "seen")}
