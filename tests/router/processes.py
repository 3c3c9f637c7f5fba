"""A subgraph as a process of its own, which can be killed, stopped and started again at its address."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field

import uvicorn

from tests.router.subgraphs import Subgraph


@dataclass
class SubgraphProcess:
    """Serves the subgraph of that name on `port`."""

    name: str
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    def start(self) -> None:
        """Returns when it listens."""
        self._process = subprocess.Popen([sys.executable, "-m", "tests.router.processes", self.name, str(self.port)])
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} does not listen")

    def signal(self, number: signal.Signals) -> None:
        """Sends the process a signal."""
        assert self._process is not None
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """Ends it at once, even when it is stopped."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()


if __name__ == "__main__":
    uvicorn.run(Subgraph(sys.argv[1]), port=int(sys.argv[2]), log_config=None, lifespan="off")
