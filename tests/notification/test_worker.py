"""The whole way over a real broker: identity's outbox, the stream, the worker, a real SMTP server or the sink."""

import asyncio
from contextlib import suppress
from pathlib import Path

import nats
import pytest
from nats.js.errors import NotFoundError

from libs.crypto import KeyRing
from libs.db import Database
from libs.events import OutboxWriter, Relay, broker
from libs.events.broker import STREAM
from libs.kernel import Binding, Scope
from subgraphs.notification.app import create_worker
from subgraphs.notification.channel.adapters.sink import Sink
from tests.notification.channel.test_adapters import Postman, server
from tests.notification.world import TOKEN, World, invited

SECONDS = 30


@pytest.fixture
async def empty_stream(settings):
    client = await nats.connect(settings.nats_url)
    with suppress(NotFoundError):
        await client.jetstream().delete_stream(STREAM)
    await client.close()


async def run_until_sent(settings, world: World, addresses: list[str]) -> None:
    """Emits an invitation each as identity does, and lets identity's relay and our worker work."""
    identity = Database(settings, "identity", on_flush=OutboxWriter("identity", KeyRing.from_settings(settings)))
    async with identity.write(Binding(world.tenant_id, Scope.SYSTEM)) as tx:
        for address in addresses:
            tx.emit(invited(personal={"name": "Budi", "email": address}, expires_at=tx.now.replace(year=2099)))
    await identity.close()
    stop, worker = asyncio.Event(), create_worker(settings)
    async with broker(settings, "test") as js:
        parts = [
            asyncio.create_task(Relay(settings, "identity", js).run(stop)),
            asyncio.create_task(worker.run(stop)),
        ]
        async with asyncio.timeout(SECONDS):
            # PostgreSQL tells nobody when a message is sent
            while [row["status"] for row in world.rows("notifications")] != ["SENT"] * len(addresses):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        stop.set()
        await asyncio.gather(*parts)


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
