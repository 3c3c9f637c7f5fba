"""What `just bench reads` runs: its own engines, databases, the subgraph and its peers, each on a free loopback port."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from pydantic import SecretStr

from deploy.health import answers_http
from deploy.local.engines import engines
from deploy.local.node import find_node
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.programs import Child, Program
from deploy.local.state import ROOT
from libs.auth import TokenIssuer
from libs.db import bootstrap, migrate
from libs.settings import Settings
from libs.testing import TestKeys

SHARED_BUFFERS = "4GB"  # as a server of this size is set up; a laptop's 256 MB would not hold the large database
_TOKENS_LAST = 12 * 3600
_SECONDS_TO_READY = 60.0
_GIVEN = (
    *("environment", "database_url", "valkey_url", "nats_url", "jwks_url", "mail_url", "access_token_seconds"),
    *("key_encryption_keys", "blind_index_key"),
)


@dataclass(frozen=True)
class Server:
    """A process that answers GraphQL."""

    name: str
    port: int
    child: Child

    def cpu_seconds(self) -> float:
        """What it has computed so far; PostgreSQL's part is that of other processes."""
        times = psutil.Process(self.child.pid).cpu_times()
        return float(times.user + times.system)


def cores_used() -> tuple[float, float]:
    """Seconds that the cores have computed so far: for this process and all below it, and for everybody else."""
    machine, ours, own = psutil.cpu_times(), 0.0, psutil.Process()
    for process in [own, *own.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            ours += sum(process.cpu_times()[:4])  # its own and that of its children that have ended
    return ours, machine.user + machine.nice + machine.system - ours


@contextmanager
def running_engines(folder: Path) -> Iterator[Settings]:
    """Settings of a production environment over engines of its own, with an empty, migrated database."""
    jwks, keys = folder / "jwks.json", TestKeys()
    with engines(folder / "engines", shared_buffers=SHARED_BUFFERS) as running:
        settings = Settings(
            environment="production",
            database_url=running.database_url,
            database_admin_url=SecretStr(running.database_admin_url),
            valkey_url=running.valkey_url,
            nats_url=running.nats_url,
            jwks_url=jwks.as_uri(),
            mail_url=f"sink:{folder / 'mail'}",
            token_signing_keys=keys.token_signing_keys,
            key_encryption_keys=keys.key_encryption_keys,
            blind_index_key=keys.blind_index_key,
            access_token_seconds=_TOKENS_LAST,
        )
        jwks.write_text(json.dumps(TokenIssuer(settings).jwks()), encoding="utf-8")
        yield migrated(settings)


def another_database(settings: Settings, name: str) -> Settings:
    """The same engines with one more empty, migrated database."""
    url = f"{settings.database_url.rpartition('/')[0]}/{name}"
    return migrated(settings.model_copy(update={"database_url": url}))


def migrated(settings: Settings) -> Settings:
    """The same settings, with academic's tables in the database that they name."""
    bootstrap(settings)
    migrate(settings, "academic")
    return settings


def academic(settings: Settings, name: str, module: str, port: int) -> Program:
    """A process that serves academic's graph: `module` with its arguments."""
    given = settings.model_dump(include=set(_GIVEN)) | {"academic_port": port}
    return Program(
        name=name,
        command=(sys.executable, "-m", *module.split()),
        ready=answers_http(port),
        port=port,
        environment={f"WIYATA_{key.upper()}": _as_text(value) for key, value in given.items()},
        folder=ROOT,
    )


@contextmanager
def serving(folder: Path, *programs: Program) -> Iterator[list[Server]]:
    """Runs these programs, their output in files, until the block ends."""
    children = [Child(program, mark=folder, log=folder / f"{program.name}.log") for program in programs]
    try:
        for child in children:
            child.spawn()
        for child in children:
            child.await_ready(_SECONDS_TO_READY)
        yield [Server(child.program.name, child.program.port or 0, child) for child in children]
    finally:
        for child in children:
            child.stop()


def subgraph(settings: Settings, name: str = "engine") -> Program:
    """Academic as it ships."""
    return academic(settings, name, "deploy.process academic", free_port())


def reference(settings: Settings) -> Program:
    """The ORM and DataLoaders."""
    return academic(settings, "reference", "tests.benchmarks.peers.reference", free_port())


@contextmanager
def published_keys(settings: Settings, folder: Path) -> Iterator[Settings]:
    """The same settings with the keys of tokens at an address, as identity publishes them."""
    port = free_port()
    command = (sys.executable, "-m", "http.server", str(port), "--bind", LOOPBACK, "--directory", str(folder))
    keys = Program(
        name="keys", command=command, ready=answers_http(port, "/jwks.json"), port=port, environment={}, folder=ROOT
    )
    with serving(folder, keys):
        yield settings.model_copy(update={"jwks_url": f"http://{LOOPBACK}:{port}/jwks.json"})


def router(settings: Settings, name: str, behind: Program, *, fast_lane: bool) -> Program:
    """The router as it ships in front of academic alone."""
    node, port = find_node(), free_port()
    given = {
        "environment": settings.environment,
        "jwks_url": settings.jwks_url,
        "valkey_url": settings.valkey_url,
        "router_port": port,
        "router_fast_lane": str(fast_lane).lower(),
        "academic_url": f"http://{LOOPBACK}:{behind.port}/graphql",
    }
    return Program(
        name=name,
        command=(str(node.program), str(ROOT / "router" / "server.mjs")),
        ready=answers_http(port, "/health/live"),
        port=port,
        environment={f"WIYATA_{key.upper()}": str(value) for key, value in given.items()} | node.environment(),
        folder=ROOT,
    )


def _as_text(value: object) -> str:
    if isinstance(value, SecretStr):
        return str(value.get_secret_value())
    if isinstance(value, dict):
        return json.dumps({key: _as_text(each) for key, each in value.items()})
    return str(value)
