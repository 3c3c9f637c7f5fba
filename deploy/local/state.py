"""The one ignored folder that holds all state of a local stack, and the lock that says whether it runs."""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
"""The repository."""


class AlreadyRunning(Exception):
    """Another supervisor runs in this folder."""

    def __init__(self, pid: int | None) -> None:
        super().__init__(f"already running here (supervisor {pid}); `just status` shows it, `just down` ends it")
        self.pid = pid


@dataclass(frozen=True)
class StateFolder:
    """Paths in a state folder. Everything in it may be thrown away with `just reset`."""

    path: Path

    @property
    def data(self) -> Path:
        """The engines' data."""
        return self.path / "data"

    @property
    def logs(self) -> Path:
        """A log per program."""
        return self.path / "logs"

    @property
    def secrets(self) -> Path:
        """What was generated at the first start."""
        return self.path / "secrets.json"

    @property
    def accounts(self) -> Path:
        """The demo schools with their accounts, as the seed wrote them: a list of tenants."""
        return self.path / "accounts.json"

    @property
    def processes(self) -> Path:
        """What the supervisor last said of its programs."""
        return self.path / "processes.json"

    @property
    def mail(self) -> Path:
        """Mails of the local sink."""
        return self.path / "mail"

    @property
    def chromium(self) -> Path:
        """The folder of a Chromium that came as a package."""
        return self.path / "chromium"

    @property
    def files(self) -> Path:
        """The folder of the files that the subgraphs keep."""
        return self.path / "files"

    @property
    def _lock(self) -> Path:
        return self.path / "lock"

    def make(self) -> None:
        """Creates the folder, closed to listing by others."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(exist_ok=True)

    def lock(self) -> int:
        """Takes the lock until this process ends, however it ends. Raises AlreadyRunning.

        What a killed supervisor said of its programs goes before this one gives its name: nobody takes it for news.
        """
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise AlreadyRunning(self.supervisor()) from None
        self.processes.unlink(missing_ok=True)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return descriptor

    def supervisor(self) -> int | None:
        """The pid of the supervisor that holds the lock, None when nobody does: a killed one leaves no trace."""
        if not self._lock.exists():
            return None
        descriptor = os.open(self._lock, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.read(descriptor, 32).decode()
            return int(text) if text.isdecimal() else None
        finally:
            os.close(descriptor)
        return None


def write_private(path: Path, value: Any) -> None:
    """Writes JSON that only its owner may read; a reader sees the old or the new whole."""
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2)
    draft.replace(path)
