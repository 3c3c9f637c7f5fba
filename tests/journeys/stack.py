"""The product as it runs: engines, processes, router and a mail server, each on a free loopback port."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from signal import Signals
from typing import Any

from pydantic import SecretStr

from deploy.health import answers_http
from deploy.local.chromium import find_chromium, packaged_chromium
from deploy.local.engines import DATABASE, admin_url, nats, postgres, valkey
from deploy.local.node import find_node
from deploy.local.ports import free_port
from deploy.local.programs import Child, Program
from deploy.local.state import StateFolder
from libs.settings import SUBGRAPHS, Settings
from libs.testing import TestKeys, owner_rows
from tests.journeys.mail import MailServer

ROOT = Path(__file__).parents[2]
ENGINES = ("postgres", "valkey", "nats")
PROCESSES = (*SUBGRAPHS, "worker", "router")
CHROMIUM = find_chromium() or packaged_chromium(StateFolder(ROOT / ".wiyata").chromium)
"""The one of the worker; the packaged one may not be there yet: who prints obtains it first."""
PLATFORM_PASSWORD = "Kunci-platform-9"
_SECONDS_TO_READY = 60.0
_SECONDS_TO_STOP = 15.0
_ABSENCE_NOTICE_SECONDS = 1
_CONFIDANTS = {
    "database_admin_url": ("migrate",),
    "platform_password": ("migrate",),
    "token_signing_keys": ("identity", "migrate"),
    "password_pepper": ("identity", "migrate"),
}


class Stack:
    """Everything that runs, by name; `mail` is the SMTP server that the notifications end in, `page_origin` the only one that may call."""

    def __init__(self, folder: Path, mail: MailServer) -> None:
        self.mail = mail
        self._folder = folder
        self._ports = {name: free_port() for name in (*ENGINES, *PROCESSES, "page")}
        self.settings = _settings(self._ports, mail.port, folder)
        self.url = self.settings.public_url
        self.page_origin = self.settings.cors_origins
        self._children = {
            program.name: Child(program, mark=folder, log=folder / f"{program.name}.log")
            for program in self._programs()
        }

    def start(self, *names: str) -> None:
        """Starts these programs at once and waits until each is ready. Raises StartError."""
        for name in names:
            self._children[name].program.prepare()
            self._children[name].spawn()
        for name in names:
            self._children[name].await_ready(_SECONDS_TO_READY)

    def kill(self, *names: str) -> None:
        """Ends these programs the way a power cut does: SIGKILL, nothing is finished."""
        for name in names:
            self._children[name].reap(0)

    def stop(self, *names: str) -> None:
        """Ends these programs as an operator does, all at once."""
        for name in names:
            self._children[name].ask_to_stop()
        for name in names:
            self._children[name].reap(_SECONDS_TO_STOP)

    def signal(self, name: str, number: Signals) -> None:
        """Sends a program a signal."""
        pid = self._children[name].pid
        assert pid is not None
        os.kill(pid, number)

    def heal(self) -> None:
        """Starts again whatever a failed test left dead."""
        dead = [name for name in (*ENGINES, *PROCESSES) if self._children[name].exit_code() is not None]
        self.start(*dead)
        self.mail.start()

    def rows(self, subgraph: str, statement: str, parameters: Any = None) -> list[dict[str, Any]]:
        """Rows as the owner of a subgraph's tables sees them: all schools."""
        return owner_rows(self.settings, subgraph, statement, parameters)

    def count(self, subgraph: str, statement: str, parameters: Any = None) -> int:
        """The only value of the only row."""
        ((value,),) = [row.values() for row in self.rows(subgraph, statement, parameters)]
        return int(value)

    def logs(self, count: int = 40) -> str:
        """The ends of all logs, for a failed test."""
        children = self._children.values()
        return "\n".join(f"--- {child.program.name}\n{child.last_lines(count)}" for child in children)

    def log_text(self) -> str:
        """Everything that any process has logged."""
        texts = (self._children[name].log.read_text(encoding="utf-8", errors="replace") for name in PROCESSES)
        return "\n".join(texts)

    def migrate(self) -> None:
        """Brings the new database to the newest version, with the platform's administrator."""
        once = self._python("migrate")
        child = Child(once, mark=self._folder, log=self._folder / "migrate.log")
        child.spawn()
        while (code := child.exit_code()) is None:
            child.reap(_SECONDS_TO_READY)
        assert code == 0, child.last_lines()

    def _programs(self) -> Iterator[Program]:
        data, ports = self._folder / "data", self._ports
        # As in production: what was committed outlives a SIGKILL.
        yield postgres(data / "postgres", port=ports["postgres"], password=None, durable=True)
        yield valkey(data / "valkey", port=ports["valkey"])
        yield nats(data / "nats", port=ports["nats"], durable=True)
        for name in (*SUBGRAPHS, "worker"):
            yield self._python(name)
        node = find_node()
        yield Program(
            name="router",
            command=(str(node.program), str(ROOT / "router" / "server.mjs")),
            ready=answers_http(ports["router"]),
            environment=self._environment("router") | node.environment(),
            folder=ROOT,
        )

    def another(self, name: str, port: int) -> Program:
        """One more process of a subgraph, on a port of its own; the caller runs it."""
        return replace(
            self._python(name),
            name=f"another-{name}",
            ready=answers_http(port),
            port=port,
            environment=self._environment(name) | {f"WIYATA_{name.upper()}_PORT": str(port)},
        )

    def _python(self, name: str) -> Program:
        return Program(
            name=name,
            command=(sys.executable, "-m", "deploy.process", name),
            ready=answers_http(self._ports.get(name, 0)),
            environment=self._environment(name) | {"PYTHONUNBUFFERED": "1"},
            folder=ROOT,
        )

    def _environment(self, process: str) -> dict[str, str]:
        given = self.settings.model_dump(exclude_unset=True)
        kept = {name: value for name, value in given.items() if process in _CONFIDANTS.get(name, (process,))}
        return {f"WIYATA_{name.upper()}": _as_text(value) for name, value in kept.items()}


def _settings(ports: dict[str, int], mail_port: int, folder: Path) -> Settings:
    keys = TestKeys()
    urls = {f"{name}_url": f"http://127.0.0.1:{ports[name]}/graphql" for name in SUBGRAPHS}
    given: dict[str, Any] = {f"{name}_port": ports[name] for name in PROCESSES} | urls
    return Settings(
        environment="development",
        public_url=f"http://127.0.0.1:{ports['router']}",
        cors_origins=f"http://127.0.0.1:{ports['page']}",
        supergraph=ROOT / "schema" / "supergraph.graphql",
        rate_exempt="127.0.0.0/8",
        database_url=f"postgresql://127.0.0.1:{ports['postgres']}/{DATABASE}",
        database_admin_url=SecretStr(admin_url(ports["postgres"], None)),
        valkey_url=f"redis://127.0.0.1:{ports['valkey']}/0",
        nats_url=f"nats://127.0.0.1:{ports['nats']}",
        jwks_url=f"http://127.0.0.1:{ports['identity']}/.well-known/jwks.json",
        mail_url=f"smtp://127.0.0.1:{mail_port}",
        files_url=(folder / "files").resolve().as_uri(),
        chromium=str(CHROMIUM),
        absence_notice_seconds=_ABSENCE_NOTICE_SECONDS,
        token_signing_keys=keys.token_signing_keys,
        key_encryption_keys=keys.key_encryption_keys,
        blind_index_key=keys.blind_index_key,
        password_pepper=keys.password_pepper,
        platform_password=SecretStr(PLATFORM_PASSWORD),
        bcrypt_cost=4,
        **given,
    )


def _as_text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return str(value.get_secret_value())
    if isinstance(value, dict):
        return json.dumps({key: _as_text(each) for key, each in value.items()})
    return str(value)


@contextmanager
def running_stack(folder: Path) -> Iterator[Stack]:
    """Runs the whole product until the block ends; everything is ended by its process id."""
    with MailServer() as mail:
        stack = Stack(folder, mail)
        try:
            stack.start(*ENGINES)
            stack.migrate()
            stack.start(*PROCESSES)
            yield stack
        finally:
            stack.stop(*PROCESSES)
            stack.stop(*ENGINES)
