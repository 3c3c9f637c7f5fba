"""Free and taken loopback ports."""

import socket
from dataclasses import dataclass

import psutil

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Holder:
    """Who listens on a port; `pid` is None when the system does not tell (another user's process)."""

    port: int
    pid: int | None
    command: str

    def __str__(self) -> str:
        who = f"process {self.pid}: {self.command}" if self.pid else "a process of another user"
        return f"port {self.port} is held by {who}"


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def holder(port: int) -> Holder | None:
    """Who holds this loopback port, None when it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        try:
            probe.bind((LOOPBACK, port))
        except PermissionError:
            return Holder(port, None, "")
        except OSError:
            return _listener(port)
    return None


def _listener(port: int) -> Holder:
    try:
        connections = psutil.net_connections(kind="inet")
    except psutil.AccessDenied:  # macOS tells root alone
        connections = []
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            return Holder(port, connection.pid, _command(connection.pid))
    return Holder(port, None, "")


def _command(pid: int) -> str:
    try:
        return " ".join(psutil.Process(pid).cmdline())[:120]
    except psutil.Error:
        return "unknown"
