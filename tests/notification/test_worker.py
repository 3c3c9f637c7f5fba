"""The whole way over a real broker: identity's outbox, the stream, the worker, a real SMTP server or the sink."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import nats
import pytest
from nats.js.errors import NotFoundError

from libs.crypto import KeyRing
from libs.db import Database
from libs.events import Event, OutboxWriter, Relay, broker
from libs.events.broker import STREAM
from libs.kernel import Binding, Scope, new_id
from subgraphs.notification.app import create_worker
from subgraphs.notification.channel.adapters.sink import Sink
from tests.notification.channel.test_adapters import Postman, server
from tests.notification.world import (
    EMAIL,
    TOKEN,
    World,
    absent,
    created,
    invited,
    linked,
    paid,
    student,
    submitted,
)

SECONDS = 30


@pytest.fixture
async def empty_stream(settings):
    client = await nats.connect(settings.nats_url)
    with suppress(NotFoundError):
        await client.jetstream().delete_stream(STREAM)
    await client.close()


async def emit(settings, world: World, subgraph: str, *events: Event) -> None:
    """Lets a subgraph tell of these."""
    database = Database(settings, subgraph, on_flush=OutboxWriter(subgraph, KeyRing.from_settings(settings)))
    async with database.write(Binding(world.tenant_id, Scope.SYSTEM)) as tx:
        for event in events:
            tx.emit(event)
    await database.close()


@asynccontextmanager
async def running(settings, *subgraphs: str) -> AsyncIterator[None]:
    """The relays of others, and our worker."""
    stop, worker = asyncio.Event(), create_worker(settings)
    async with broker(settings, "test") as js:
        parts = [
            *(asyncio.create_task(Relay(settings, each, js).run(stop)) for each in subgraphs),
            asyncio.create_task(worker.run(stop)),
        ]
        async with asyncio.timeout(SECONDS):
            yield
        stop.set()
        await asyncio.gather(*parts)


async def until(condition: Callable[[], bool]) -> None:
    # PostgreSQL tells nobody when a message is sent
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.05)


def sent(world: World) -> int:
    return [row["status"] for row in world.rows("notifications")].count("SENT")


async def run_until_sent(settings, world: World, addresses: list[str]) -> None:
    """Emits an invitation each as identity does, and lets identity's relay and our worker work."""
    later = datetime(2099, 1, 1, tzinfo=UTC)
    invitations = [invited(personal={"name": "Budi", "email": each}, expires_at=later) for each in addresses]
    await emit(settings, world, "identity", *invitations)
    async with running(settings, "identity"):
        await until(lambda: sent(world) == len(addresses))


async def test_from_identity_s_outbox_to_the_sink(settings, world, empty_stream):
    addresses = [f"u{number}@example.test" for number in range(20)]
    await run_until_sent(settings, world, addresses)
    kept = list(Sink(Path(settings.mail_url.removeprefix("sink:"))).newest_first())
    assert sorted(mail.to for mail in kept) == sorted(addresses)
    assert {mail.links[0] for mail in kept} == {f"{settings.public_url}/account/invitation?token={TOKEN}"}


async def test_from_identity_s_outbox_to_a_mail_server(settings, world, empty_stream):
    postman = Postman()
    addresses = ["u0@example.test", "u2@example.test"]
    async with server(postman) as port:
        over_smtp = settings.model_copy(update={"mail_url": f"smtp://localhost:{port}"})
        await run_until_sent(over_smtp, world, addresses)
    assert sorted(to for to, _ in postman.taken) == addresses


async def test_absence_application_and_payment_from_three_outboxes_to_a_mail_server(settings, world, empty_stream):
    """The payment of an application goes ahead of it: the consumer tries it again."""
    guardian, user_id, postman = new_id(), new_id(), Postman()
    pupils, form = [student(guardian, name=name) for name in ("Budi", "Siti")], submitted(email="calon@example.test")
    today = datetime.now(ZoneInfo("Asia/Jakarta")).date()
    await emit(settings, world, "academic", *pupils)
    await emit(settings, world, "identity", created(user_id=user_id, record_id=guardian))
    links = [linked(student_id=each.student_id, guardian_id=guardian, user_id=user_id) for each in pupils]
    await emit(settings, world, "academic", *links)
    await emit(settings, world, "finance", paid("APPLICANT", form.application_id))
    async with server(postman) as port:
        changes = {"mail_url": f"smtp://localhost:{port}", "absence_notice_seconds": 2}
        async with running(
            settings.model_copy(update=changes), "academic", "identity", "operations", "finance", "admission"
        ):
            await until(lambda: all(row["user_id"] for row in world.rows("guardianships") or [{"user_id": None}]))
            await until(lambda: bool(world.rows("contacts")))
            await emit(settings, world, "operations", *(absent(each.student_id, day=today) for each in pupils))
            await emit(settings, world, "admission", form)
            await until(lambda: sent(world) == 3)
    assert sorted(to for to, _ in postman.taken) == ["calon@example.test", "calon@example.test", EMAIL]
    assert world.rows("dead_letters") == []
