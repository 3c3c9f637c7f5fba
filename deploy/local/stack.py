"""The table of what runs: one row per program. A new subgraph is one more name in `libs.settings.SUBGRAPHS`."""

import sys
from collections.abc import Iterator

from deploy.health import answers_http
from deploy.local.chromium import packaged_chromium
from deploy.local.engines import nats, postgres, valkey
from deploy.local.environment import environment_of, is_local, port_of, superuser_password
from deploy.local.node import find_node, packages_are_current
from deploy.local.programs import Program
from deploy.local.state import ROOT, StateFolder
from libs.settings import SUBGRAPHS, Settings

ROUTER = ROOT / "router"
_UNBUFFERED = {"PYTHONUNBUFFERED": "1"}  # a log line is in the file when it is written


def programs(settings: Settings, state: StateFolder) -> tuple[Program, ...]:
    """The whole stack, in the order in which it starts; it stops in the reverse. Raises StartError without Node."""
    engines = tuple(_engines(settings, state))
    return (
        *engines,
        migrate(tuple(engine.name for engine in engines)),
        *(_python(name, settings.port_of(name)) for name in SUBGRAPHS),
        *_chromium(settings, state),
        _python("worker", settings.worker_port),
        *_router(settings),
        *(() if state.accounts.exists() else (seed(state),)),
    )


def _engines(settings: Settings, state: StateFolder) -> Iterator[Program]:
    if is_local(settings.database_url):
        port = port_of(settings.database_url)
        yield postgres(state.data / "postgres", port=port, password=superuser_password(state))
    if is_local(settings.valkey_url):
        yield valkey(state.data / "valkey", port=port_of(settings.valkey_url))
    if is_local(settings.nats_url):
        yield nats(state.data / "nats", port=port_of(settings.nats_url))


def migrate(needs: tuple[str, ...] = ()) -> Program:
    """Brings the database to the newest version."""
    command = (sys.executable, "-m", "deploy.process", "migrate")
    return Program(
        name="migrate", command=command, needs=needs, once=True, environment=environment_of("migrate"), folder=ROOT
    )


def _python(name: str, port: int) -> Program:
    return Program(
        name=name,
        command=(sys.executable, "-m", "deploy.process", name),
        ready=answers_http(port),
        needs=("migrate",),
        port=port,
        environment=environment_of(name) | _UNBUFFERED,
        folder=ROOT,
    )


def _chromium(settings: Settings, state: StateFolder) -> Iterator[Program]:
    """Fetches a Chromium where the worker would look for one that is not there; nothing waits for it."""
    wanted = packaged_chromium(state.chromium)
    if settings.chromium == str(wanted) and not wanted.exists():
        command = (sys.executable, "-m", "deploy.local.chromium", str(state.chromium))
        yield Program(name="chromium", command=command, once=True, environment={}, folder=ROOT)


def _router(settings: Settings) -> Iterator[Program]:
    node = find_node()
    needs: tuple[str, ...] = ()  # it reads its code while `migrate` works, and is ready when the subgraphs are
    if not packages_are_current(ROUTER):
        needs = ("npm",)
        command = (*node.npm, "ci", "--no-audit", "--no-fund", "--loglevel=error")
        yield Program(name="npm", command=command, once=True, environment=node.environment(), folder=ROUTER)
    yield Program(
        name="router",
        command=(str(node.program), str(ROUTER / "server.mjs")),
        ready=answers_http(settings.router_port),
        needs=needs,
        port=settings.router_port,
        environment={**environment_of("router"), **node.environment()},
        folder=ROOT,
    )


def seed(state: StateFolder) -> Program:
    """Loads the demo schools through the graph; writes `accounts.json` when all is there."""
    command = (sys.executable, "-m", "deploy.local.seed", str(state.accounts))
    return Program(
        name="seed",
        command=command,
        needs=("router", "worker", *SUBGRAPHS),
        once=True,
        environment=environment_of("seed"),
        folder=ROOT,
        terminal=True,
    )
