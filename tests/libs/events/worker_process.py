"""A worker in a process of its own, to be killed: relays academic and counts its events in identity."""

import asyncio

from libs.crypto import KeyRing
from libs.db import Database
from libs.events import Consumer, Inbox, OutboxWriter, Relay, broker
from libs.events.contracts.academic import SubjectCreated
from libs.settings import load_settings
from tests.libs.events.running import FAST, count_times


async def main() -> None:
    settings, stop = load_settings(), asyncio.Event()
    key_ring = KeyRing.from_settings(settings)
    database = Database(settings, "identity", on_flush=OutboxWriter("identity", key_ring))
    inbox = Inbox(database, {SubjectCreated: count_times}, key_ring)
    async with broker(settings, "worker") as js:
        consumer = Consumer(settings, js, database, inbox, backoff_seconds=FAST)
        await asyncio.gather(Relay(settings, "academic", js).run(stop), consumer.run(stop))


if __name__ == "__main__":
    asyncio.run(main())
