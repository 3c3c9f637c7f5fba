"""A small shell onto the broker: there is no packaged command line of NATS."""

import argparse
import asyncio
from collections.abc import Sequence
from contextlib import suppress

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from rich.console import Console
from rich.table import Table


def main(url: str, arguments: Sequence[str], console: Console) -> int:
    """Runs `streams`, `consumers [stream]` or `sub <subject>` against the broker at `url`."""
    parser = argparse.ArgumentParser(prog="just nats", description="Looks into NATS JetStream.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("streams", help="streams with their sizes")
    consumers = commands.add_parser("consumers", help="consumers with what they have not handled yet")
    consumers.add_argument("stream", nargs="?")
    subscribe = commands.add_parser("sub", help="shows messages as they come, until Ctrl-C")
    subscribe.add_argument("subject", help="for example 'wiyata.>'")
    chosen = parser.parse_args(arguments)
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(url, chosen, console))
    return 0


async def _run(url: str, chosen: argparse.Namespace, console: Console) -> None:
    client = await nats.connect(
        url, max_reconnect_attempts=1, reconnect_time_wait=0, connect_timeout=2, error_cb=_keep_quiet
    )
    try:
        if chosen.command == "streams":
            console.print(await _streams(client))
        elif chosen.command == "consumers":
            console.print(await _consumers(client, chosen.stream))
        else:
            await _subscribe(client, chosen.subject, console)
    finally:
        await client.close()


async def _keep_quiet(_error: Exception) -> None:
    """What fails is raised as well; the client would log it with its traceback."""


async def _streams(client: Client) -> Table:
    table = Table("stream", "subjects", "messages", "bytes", "consumers")
    for stream in await client.jetstream().streams_info():
        state = stream.state
        subjects = " ".join(stream.config.subjects or ())
        table.add_row(stream.config.name, subjects, str(state.messages), str(state.bytes), str(state.consumer_count))
    return table


async def _consumers(client: Client, only: str | None) -> Table:
    table = Table("stream", "consumer", "waiting", "unacknowledged", "redelivered")
    jetstream = client.jetstream()
    names = [only] if only else [str(stream.config.name) for stream in await jetstream.streams_info()]
    for name in names:
        for found in await jetstream.consumers_info(name):
            table.add_row(
                name, found.name, str(found.num_pending), str(found.num_ack_pending), str(found.num_redelivered)
            )
    return table


async def _subscribe(client: Client, subject: str, console: Console) -> None:
    async def show(message: Msg) -> None:
        console.print(
            f"{message.subject} {message.headers or ''}\n{message.data.decode(errors='replace')}", markup=False
        )

    await client.subscribe(subject, cb=show)
    await asyncio.Event().wait()
