"""Asks a process on this machine whether it is ready: `python -m deploy.health <process>`, exit code 0 when it is.

The image's health check; the local supervisor asks the same way.
"""

import http.client
import sys
from collections.abc import Callable, Sequence

from libs.settings import load_settings

READY = "/health/ready"
_SECONDS = 2.0


def answers_http(port: int, path: str = READY) -> Callable[[], bool]:
    """A question to a loopback address; its answer is whether 200 came."""

    def ask() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask


def main(arguments: Sequence[str]) -> int:
    """Asks the process named first; 1 when it is not ready, SettingsError when the settings are refused."""
    return 0 if answers_http(load_settings().port_of(arguments[0]))() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
