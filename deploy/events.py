"""`python -m deploy.events dead-letters|replay|snapshot`: what an operator does about events, by subgraph.

Consumers and snapshots are those of the subgraph's own worker.
"""

import argparse
import asyncio
import dataclasses
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from importlib import import_module
from uuid import UUID

import orjson
from sqlalchemy import text

from libs.events.broker import broker
from libs.events.dead_letters import DeadLetters
from libs.events.replay import replay, snapshot
from libs.jobs import SubgraphWorker
from libs.kernel import PLATFORM_TENANT_ID, Binding, DomainError, Scope
from libs.settings import SUBGRAPHS, Settings, load_settings

_PLATFORM = Binding(PLATFORM_TENANT_ID, Scope.SYSTEM)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.events")
    commands = parser.add_subparsers(dest="command", required=True)
    letters = commands.add_parser("dead-letters", help="list (JSON lines), replay or discard dead letters")
    letters.add_argument("subgraph", choices=SUBGRAPHS)
    letters.add_argument("--status", default="OPEN", help="of those listed: OPEN, REPLAYED or DISCARDED")
    action = letters.add_mutually_exclusive_group()
    action.add_argument("--replay", type=UUID, metavar="ID")
    action.add_argument("--discard", type=UUID, metavar="ID")
    letters.add_argument("--reason", default="", help="why it is discarded")
    again = commands.add_parser("replay", help="re-read the stream into a subgraph; what it has applied stays as it is")
    again.add_argument("subgraph", choices=SUBGRAPHS)
    start = again.add_mutually_exclusive_group()
    start.add_argument("--since", type=datetime.fromisoformat, help="ISO time with zone")
    start.add_argument("--sequence", type=int, help="sequence of the stream")
    tell = commands.add_parser("snapshot", help="make a subgraph emit the state of its aggregates again")
    tell.add_argument("subgraph", choices=SUBGRAPHS)
    tell.add_argument("tenant", type=UUID, nargs="?", help="one tenant; all of them where left out")
    tell.add_argument("--aggregate")
    return parser


async def run(settings: Settings, arguments: Sequence[str]) -> None:
    """Runs one command; prints JSON lines. Raises DomainError for what cannot be done."""
    asked = _parser().parse_args(arguments)
    async with _worker(settings, asked.subgraph) as worker:
        if asked.command == "dead-letters":
            await _dead_letters(worker, asked)
        elif asked.command == "replay":
            async with broker(settings, "replay") as js:
                count = await replay(js, worker.database, worker.inbox, since=asked.since, sequence=asked.sequence)
            _print({"read": count})
        else:
            tenants = [asked.tenant] if asked.tenant else await _all_tenants(settings)
            count = await snapshot(worker.database, worker.snapshots, tenants, aggregate=asked.aggregate)
            _print({"emitted": count})


async def _dead_letters(worker: SubgraphWorker, asked: argparse.Namespace) -> None:
    letters = DeadLetters(asked.subgraph)
    if asked.replay:
        async with worker.database.write(_PLATFORM) as tx:
            await letters.replay(tx, worker.inbox, asked.replay)
    elif asked.discard:
        async with worker.database.write(_PLATFORM) as tx:
            await letters.discard(tx, asked.discard, reason=asked.reason)
    else:
        async with worker.database.read(_PLATFORM) as tx:
            for letter in await letters.find(tx, status=asked.status):
                _print(dataclasses.asdict(letter))


async def _all_tenants(settings: Settings) -> list[UUID]:
    """The register of tenants, which identity owns."""
    async with _worker(settings, "identity") as worker, worker.database.read(_PLATFORM) as tx:
        rows = await tx.execute(text("select id from identity.tenants order by id"))
        return [row.id for row in rows]


@asynccontextmanager
async def _worker(settings: Settings, subgraph: str) -> AsyncIterator[SubgraphWorker]:
    worker: SubgraphWorker = import_module(f"subgraphs.{subgraph}.app").create_worker(settings)
    try:
        yield worker
    finally:
        await worker.database.close()


def _print(value: object) -> None:
    sys.stdout.write(orjson.dumps(value).decode() + "\n")


if __name__ == "__main__":
    try:
        asyncio.run(run(load_settings(), sys.argv[1:]))
    except DomainError as error:
        sys.exit(f"{error.code}: {error.message('en')}")
