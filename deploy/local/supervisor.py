"""Starts programs in the order of their needs, watches them, and ends them all."""

import signal
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from types import FrameType

from rich.console import Console

from deploy.local.ports import holder
from deploy.local.programs import Child, Program, StartError, end, marked
from deploy.local.state import StateFolder, write_private

_SECONDS_TO_READY = 90.0
_SECONDS_TO_STOP = 15.0
_LONGEST_PAUSE = 30.0
_STEADY_AFTER = 60.0
"""A program that ran this long starts its pauses anew."""
_TICK_STARTING, _TICK_STEADY = 0.03, 0.25


class Phase(StrEnum):
    """Where a program stands."""

    WAITING = "waiting"
    PREPARING = "preparing"
    STARTING = "starting"
    READY = "ready"
    DONE = "done"
    PAUSING = "pausing"


@dataclass
class _Row:
    program: Program
    child: Child
    phase: Phase = Phase.WAITING
    since: float = field(default_factory=time.monotonic)
    began: float = 0.0
    preparing: Future[None] | None = None
    failures: int = 0
    was_ready: bool = False

    def enter(self, phase: Phase) -> None:
        self.phase, self.since = phase, time.monotonic()

    @property
    def pause(self) -> float:
        return float(min(_LONGEST_PAUSE, 2 ** (self.failures - 1)))


class Supervisor:
    """Runs a table of programs in the foreground until SIGINT, SIGTERM or a start that fails."""

    def __init__(self, programs: Sequence[Program], state: StateFolder, console: Console, ready_line: str) -> None:
        self._state = state
        self._console = console
        self._ready_line = ready_line
        self._rows = [_Row(p, Child(p, mark=state.path, log=state.logs / f"{p.name}.log")) for p in programs]
        self._announced = False
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="prepare")

    def run(self) -> int:
        """Returns 0 after a stop that was asked for, 1 when the start failed. Raises AlreadyRunning."""
        self._state.make()
        self._state.lock()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            self._clear_remains()
            check_ports(row.program for row in self._rows)
            self._start()
            self._watch()
        except StartError as error:
            self._console.print(f"✗ {error}", style="red", markup=False, highlight=False, soft_wrap=True)
            return 1
        finally:
            self._end()
        return 0

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._stop.is_set():  # asked twice: no more waiting
            end(marked(self._state.path), seconds=0)
        self._stop.set()

    def _clear_remains(self) -> None:
        remains = marked(self._state.path)
        if remains:
            self._say(f"ending {len(remains)} processes that an earlier run left behind")
            end(remains, seconds=10)
        for row in self._rows:
            if row.child.log.exists():
                row.child.log.replace(row.child.log.with_suffix(".log.1"))

    def _start(self) -> None:
        began = time.monotonic()
        with self._console.status("starting") as spinner:
            while not self._stop.is_set() and not self._all_ready():
                self._tick()
                busy = [row.program.name for row in self._rows if row.phase in {Phase.PREPARING, Phase.STARTING}]
                spinner.update(f"waiting for {', '.join(busy)}" if busy else "starting")
                if any(row.program.terminal and row.phase is Phase.STARTING for row in self._rows):
                    spinner.stop()  # it draws its own progress
                self._stop.wait(_TICK_STARTING)
        if not self._stop.is_set():
            self._say(f"{self._ready_line}  ({time.monotonic() - began:.1f} s)")
            self._announced = True
            self._record()

    def _all_ready(self) -> bool:
        return all(row.phase in {Phase.READY, Phase.DONE} for row in self._rows)

    def _watch(self) -> None:
        while not self._stop.wait(_TICK_STEADY):
            self._tick()

    def _tick(self) -> None:
        met = {row.program.name for row in self._rows if row.phase in {Phase.READY, Phase.DONE}}
        for row in self._rows:
            before = row.phase
            self._advance(row, met)
            if row.phase is not before:
                self._record()

    def _advance(self, row: _Row, met: set[str]) -> None:
        match row.phase:
            case Phase.WAITING if met.issuperset(row.program.needs):
                self._prepare(row)
            case Phase.PREPARING if row.preparing is not None and row.preparing.done():
                self._spawn(row, row.preparing)
            case Phase.STARTING:
                self._look_at_start(row)
            case Phase.READY if row.child.exit_code() is not None:
                if time.monotonic() - row.since > _STEADY_AFTER:
                    row.failures = 0
                self._pause(row, f"ended with {row.child.exit_code()}")
            case Phase.PAUSING if time.monotonic() - row.since > row.pause:
                self._prepare(row)
            case _:
                pass

    def _prepare(self, row: _Row) -> None:
        row.began = time.monotonic()
        row.preparing = self._pool.submit(row.program.prepare)
        row.enter(Phase.PREPARING)

    def _spawn(self, row: _Row, preparing: Future[None]) -> None:
        try:
            preparing.result()
        except StartError as error:
            self._failed(row, f"cannot start: {error}")
            return
        row.child.spawn()
        row.enter(Phase.STARTING)

    def _look_at_start(self, row: _Row) -> None:
        code = row.child.exit_code()
        if code is None and not row.program.once and row.program.ready():
            self._arrived(row, Phase.READY, "ready")
        elif code == 0 and row.program.once:
            self._arrived(row, Phase.DONE, "done")
        elif code is not None:
            self._failed(row, f"ended with {code} before it was ready")
        elif not row.program.once and time.monotonic() - row.since > _SECONDS_TO_READY:
            row.child.stop(_SECONDS_TO_STOP)
            self._failed(row, f"was not ready after {_SECONDS_TO_READY:.0f} s")

    def _arrived(self, row: _Row, phase: Phase, word: str) -> None:
        row.was_ready = True
        row.enter(phase)
        self._say(f"✓ {row.program.name:<14}{word:<8}{time.monotonic() - row.began:6.1f} s")

    def _failed(self, row: _Row, what: str) -> None:
        if not row.was_ready:
            raise StartError(f"{row.program.name} {what}\n{row.child.last_lines()}")
        self._pause(row, what)

    def _pause(self, row: _Row, what: str) -> None:
        row.failures += 1
        row.enter(Phase.PAUSING)
        self._say(f"✗ {row.program.name} {what}; starting it again in {row.pause:.0f} s (just logs {row.program.name})")

    def _record(self) -> None:
        programs = {
            row.program.name: {"phase": row.phase, "pid": row.child.pid, "failures": row.failures} for row in self._rows
        }
        write_private(self._state.processes, {"ready": self._announced and self._all_ready(), "programs": programs})

    def _end(self) -> None:
        """Ends everything, those that need others first, and whatever they in turn left running."""
        self._stop.set()
        for row in reversed(self._rows):
            row.child.stop(_SECONDS_TO_STOP)
        self._pool.shutdown(cancel_futures=True)
        end(marked(self._state.path), seconds=5)
        self._state.processes.unlink(missing_ok=True)
        self._say("everything ended")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def check_ports(programs: Iterable[Program]) -> None:
    """Raises StartError that names every taken port with who holds it."""
    taken = [(program, found) for program in programs if program.port and (found := holder(program.port))]
    if taken:
        lines = [f"{program.name}: {found}" for program, found in taken]
        raise StartError("\n".join([*lines, "Ports are settings: see .env.example"]))
