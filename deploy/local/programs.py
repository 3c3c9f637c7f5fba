"""What a supervised program is, and one running instance of it."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from libs.settings.settings import PREFIX

MARK = "STACK_FOLDER"
"""Environment variable that every child carries. It finds the orphans of a killed supervisor: no file can be stale."""

_PROBE_SECONDS = 1.0


class StartError(Exception):
    """A program did not become ready; the message says which one and holds its last log lines."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """One row of the process table.

    `prepare` runs before every start, off the supervisor's loop, and may raise StartError. `ready` is the program's own
    readiness; for a `once` program it is the exit code 0 instead. `environment` holds all the settings it is to know:
    those of the supervisor are not inherited. `user` is a system user to run as, for root alone.
    """

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool] = lambda: True
    needs: tuple[str, ...] = ()
    once: bool = False
    port: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] = lambda: None
    user: str | None = None
    folder: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    terminal: bool = False
    """Writes to the supervisor's own output instead of a log: progress bars."""


class Child:
    """A program that was started, from spawn to stop."""

    def __init__(self, program: Program, *, mark: Path, log: Path) -> None:
        self.program = program
        self._mark = mark
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, None before the start."""
        return self._process.pid if self._process else None

    def spawn(self) -> None:
        """Starts the program in a session of its own, so that Ctrl-C in the terminal reaches the supervisor alone."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        environment = {**inherited, **self.program.environment, MARK: str(self._mark)}
        if self.program.user is not None:
            environment |= {"HOME": "/", "USER": self.program.user, "LOGNAME": self.program.user}
        with self.log.open("ab") as log:
            output = None if self.program.terminal else log
            self._process = subprocess.Popen(
                self.program.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                cwd=self.program.folder,
                user=self.program.user,
                group=self.program.user,
                extra_groups=None if self.program.user is None else [],
                start_new_session=True,
            )

    def exit_code(self) -> int | None:
        """The exit code, None while it runs."""
        return self._process.poll() if self._process else None

    def await_ready(self, seconds: float) -> None:
        """Blocks until the program answers. Raises StartError when it ends first or takes longer than `seconds`."""
        deadline = time.monotonic() + seconds
        while not self.program.ready():
            if (code := self.exit_code()) is not None:
                raise StartError(f"{self.program.name} ended with {code}\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise StartError(f"{self.program.name} was not ready after {seconds:.0f} s\n{self.last_lines()}")
            time.sleep(0.02)

    def ask_to_stop(self) -> None:
        """Sends the program's stop signal."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(self.program.stop_signal)

    def stop(self, seconds: float = 15.0) -> None:
        """Asks, waits at most `seconds`, then kills."""
        self.ask_to_stop()
        self.reap(seconds)

    def reap(self, seconds: float) -> None:
        """Waits at most `seconds` for the end, then kills the process and what it started."""
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            end(descendants(self._process.pid), seconds=0)
            self._process.wait()

    def last_lines(self, count: int = 20) -> str:
        """The end of the log, for the message of a failed start."""
        return tail(self.log, count)


def tail(log: Path, count: int) -> str:
    """The last `count` lines of a log; empty when there is none."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])


def descendants(pid: int) -> list[psutil.Process]:
    """The process and everything below it; empty when it is gone."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def marked(mark: Path) -> list[psutil.Process]:
    """Every running process that a supervisor of this folder started, this one and its parents apart."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [p for p in psutil.process_iter() if p.pid not in own and _mark_of(p) == str(mark)]


def _mark_of(process: psutil.Process) -> str | None:
    try:
        mark: str | None = None if process.status() == psutil.STATUS_ZOMBIE else process.environ().get(MARK)
    except (psutil.Error, OSError):  # ended meanwhile, or another user's: not ours either way
        return None
    return mark


def end(processes: list[psutil.Process], *, seconds: float) -> None:
    """Asks these processes to end, waits at most `seconds`, then kills those that stayed."""
    for process in processes if seconds else ():
        _send(process, signal.SIGTERM)
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    for process in alive:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def answers_line(port: int, request: bytes, expected: bytes) -> Callable[[], bool]:
    """A readiness that is a line of a text protocol."""

    def probe() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=_PROBE_SECONDS) as connection:
                connection.sendall(request)
                answer = b""
                while expected not in answer:
                    received = connection.recv(4096)
                    if not received:
                        return False
                    answer += received
                return True
        except OSError:
            return False

    return probe
