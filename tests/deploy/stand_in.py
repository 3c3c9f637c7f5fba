"""A supervisor over a small table, as a process of its own: `python stand_in.py <state folder> <port> [variant]`.

`web` answers HTTP and has a child of its own; `after` needs it and a step that ends.
"""

import sys
from pathlib import Path

from rich.console import Console

from deploy.health import answers_http
from deploy.local.programs import Program
from deploy.local.state import AlreadyRunning, StateFolder
from deploy.local.supervisor import Supervisor

_WEB = """
import http.server, signal, subprocess, sys
subprocess.Popen(["sleep", "1000"], start_new_session=True)
print("web speaks", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def table(port: int, variant: str) -> tuple[Program, ...]:
    web = Program(name="web", command=(sys.executable, "-c", _WEB, str(port)), ready=answers_http(port, "/"), port=port)
    step = Program(name="step", command=("true",), once=True, needs=("web",))
    last = {
        "plain": Program(name="after", command=("sleep", "1000"), needs=("web", "step")),
        "dying": Program(name="after", command=("sh", "-c", "echo my last words; exit 3"), ready=lambda: False),
    }[variant]
    return (web, step, last)


if __name__ == "__main__":
    folder, port, variant = StateFolder(Path(sys.argv[1])), int(sys.argv[2]), [*sys.argv, "plain"][3]
    supervisor = Supervisor(table(port, variant), folder, Console(width=200), "all is there")
    try:
        sys.exit(supervisor.run())
    except AlreadyRunning as error:
        sys.exit(str(error))
