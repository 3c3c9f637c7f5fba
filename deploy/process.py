"""Runs one process from settings alone: `python -m deploy.process <subgraph|worker|migrate>`.

The image's entry point and the local supervisor's too. `worker` and `migrate` take subgraph names; none means all.
"""

import argparse
import asyncio
import gc
import importlib
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.types import ASGIApp

from deploy import VERSION
from libs.db import bootstrap, migrate
from libs.settings import SUBGRAPHS, Settings, SettingsError, load_settings
from libs.telemetry import Check, Metrics, configure_logging, get_logger, health_routes, metrics_route

_EXIT_SETTINGS = 2
_PREPARED = ("identity",)  # after its migrations: the platform and its first administrator
_OBJECTS_A_ROUND = 10_000  # new ones between two rounds of the collector; Python's 700 is for small programs
_SECONDS_TO_FINISH = 10
_MOST_FRAME_BYTES = 2**20
"""How long requests in flight may take after SIGTERM."""

log = get_logger(__name__)


class Worker(Protocol):
    """What `subgraphs.<x>.app:create_worker(settings)` returns: relay, consumers and jobs of one subgraph."""

    async def run(self, stop: asyncio.Event, metrics: Metrics) -> None:
        """Works until `stop` is set, then finishes what it holds and returns; raises what it cannot get over.

        Shows in `metrics`, which all workers of the process share, how far it is behind.
        """


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the process named first in `arguments`; returns its exit code, 2 for settings it refuses."""
    parser = argparse.ArgumentParser(prog="python -m deploy.process", description="Runs one process of Wiyata.")
    parser.add_argument("process", choices=[*SUBGRAPHS, "worker", "migrate"])
    parser.add_argument("subgraphs", nargs="*", metavar="subgraph", help="worker and migrate: only these")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.subgraphs) - (set(SUBGRAPHS) if chosen.process in {"worker", "migrate"} else set()):
        parser.error(f"not a subgraph of {chosen.process}: {', '.join(sorted(unknown))}")
    try:
        settings = load_settings()
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - logging is not configured yet
        return _EXIT_SETTINGS
    configure_logging(settings, chosen.process)
    names = chosen.subgraphs or SUBGRAPHS
    if chosen.process == "migrate":
        _migrate(settings, names)
    elif chosen.process == "worker":
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_work(settings, names))
    else:
        _serve(settings, chosen.process)
    return 0


def _serve(settings: Settings, subgraph: str) -> None:
    app: ASGIApp = importlib.import_module(f"subgraphs.{subgraph}.app").create_app(settings)
    _settle_memory()
    uvicorn.Server(server_config(app, settings.host, settings.port_of(subgraph))).run()


def _settle_memory() -> None:
    """Takes what was made at start out of the garbage collector's rounds.

    Modules, schema and statements live as long as the process: walking them again and again would cost every answer
    that makes many objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_A_ROUND)


def server_config(app: ASGIApp, host: str, port: int) -> uvicorn.Config:
    """How every process serves."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=_MOST_FRAME_BYTES,
        ws_per_message_deflate=False,  # between neighbours it costs more than it saves, for each socket anew
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )


def _migrate(settings: Settings, names: Sequence[str]) -> None:
    bootstrap(settings)
    for name in names:
        migrate(settings, name)
        if name in _PREPARED:
            asyncio.run(importlib.import_module(f"subgraphs.{name}.app").prepare(settings))
        log.info("migrated", subgraph=name)


async def _work(settings: Settings, names: Sequence[str]) -> None:
    """Runs the workers of these subgraphs until SIGTERM or SIGINT; one that fails ends the process with its error."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    running: set[str] = set()
    metrics = Metrics("worker")
    health = health_routes("worker", VERSION, {n: _runs(n, running) for n in names}, names)
    app = Starlette(routes=[*health, metrics_route(metrics)])
    server = _WithoutSignals(server_config(app, settings.host, settings.worker_port))
    async with asyncio.TaskGroup() as group:
        for name in names:
            worker: Worker = importlib.import_module(f"subgraphs.{name}.app").create_worker(settings)
            group.create_task(_run_worker(name, worker, stop, metrics, running), name=name)
        _settle_memory()
        serving = group.create_task(server.serve(), name="health")
        await stop.wait()
        server.should_exit = True
        await serving


async def _run_worker(name: str, worker: Worker, stop: asyncio.Event, metrics: Metrics, running: set[str]) -> None:
    running.add(name)
    try:
        await worker.run(stop, metrics)
    finally:
        running.discard(name)
    if not stop.is_set():
        raise RuntimeError(f"the worker of {name} ended on its own")


def _runs(name: str, running: set[str]) -> Check:
    async def check() -> None:
        if name not in running:
            raise RuntimeError(f"the worker of {name} is not running")

    return check


class _WithoutSignals(uvicorn.Server):
    """A server beside other work: the process decides when it ends."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


if __name__ == "__main__":
    sys.exit(main())
