"""`just bench router`: what the router costs, with its fast lane and without, beside the subgraph alone and PostGraphile.

Run as `just bench reads` runs: side by side, settings of production, every request of another school. The exit code is 1
when a bar of the design is missed.
"""

import argparse
import asyncio
import sys

import uvloop

from deploy.local.ports import free_port
from tests.benchmarks.documents import NESTED, SMALL, Clients
from tests.benchmarks.http_load import CONNECTIONS
from tests.benchmarks.peers.postgraphile import VERSION, node_version, postgraphile
from tests.benchmarks.peers.running import published_keys, router, serving, subgraph
from tests.benchmarks.reads import Bar, Bench, compare, prepared, tell_comparison
from tests.benchmarks.results import Report, run

_PEOPLE = 20  # in each school: nobody asks more than the limits allow
_CONDITIONS = (
    f"Lane: the router as it ships, a document of one subgraph passing through as bytes. Gateway: the same router without its"
    f" fast lane. Engine: academic itself, asked directly. PostGraphile {VERSION} on Node {node_version()}, a monolith without"
    f" router, limits or counters. The router verifies tokens, measures and prices every operation and counts it in Valkey; logs at"
    f" info to files, metrics. One process each, {CONNECTIONS} connections of load, everything on the same cores, {_PEOPLE} people of"
    " each of 100 schools in turn. The answers of all are compared byte for byte before anything is measured."
)
BARS = (
    Bar("lane against PostGraphile, small query", SMALL, "lane", "postgraphile", 1.0),
    Bar("lane against PostGraphile, nested query", NESTED, "lane", "postgraphile", 1.6),
    Bar("lane against the gateway, small query", SMALL, "lane", "gateway", 1.0),
    Bar("lane against the gateway, nested query", NESTED, "lane", "gateway", 1.0),
)


async def measure(bench: Bench) -> None:
    """Both documents, all servers."""
    engine = subgraph(bench.settings)
    with published_keys(bench.settings, bench.folder) as settings:
        programs = [
            engine,
            router(settings, "lane", engine, fast_lane=True),
            router(settings, "gateway", engine, fast_lane=False),
        ]
        if not bench.asked.without_postgraphile:
            programs.append(postgraphile(bench.settings, free_port()))
        with serving(bench.folder, *programs) as servers:
            clients = Clients(bench.settings, range(1, bench.asked.schools + 1), _PEOPLE)
            tell_comparison(bench.report, await compare(bench, servers, clients, (SMALL, NESTED)), BARS)


def main() -> int:
    """See `run`."""
    parser = argparse.ArgumentParser(prog="just bench router")
    parser.add_argument("--schools", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6, help="of each loop")
    parser.add_argument("--warm-up", type=float, default=3, help="seconds before the first round")
    parser.add_argument("--without-postgraphile", action="store_true", help="where npm cannot reach its packages")

    def measured(asked: argparse.Namespace, report: Report) -> None:
        with prepared(asked, report) as bench, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(bench))

    return run(parser, _CONDITIONS, measured)


if __name__ == "__main__":
    sys.exit(main())
