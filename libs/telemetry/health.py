"""Health: is the process alive, can it work, and what of the things it needs is down."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from libs.kernel import utc_now
from libs.telemetry.logs import get_logger
from libs.telemetry.request import name_operation

Check = Callable[[], Awaitable[None]]
"""Returns when the thing it looks at works; raises when it does not."""

CHECK_TIMEOUT = 2.0
"""Longest a check may take, seconds."""
CACHED_FOR = 1.0
"""How long a result stands, seconds: probes cannot hammer what they look at."""

log = get_logger(__name__)


class _Probe:
    """One check, run by at most one request at a time, its result kept for CACHED_FOR."""

    def __init__(self, service: str, name: str, check: Check) -> None:
        self._service, self._name, self._check = service, name, check
        self._lock = asyncio.Lock()
        self._fresh_until = float("-inf")
        self._up = True

    async def is_up(self) -> bool:
        async with self._lock:
            if time.monotonic() >= self._fresh_until:
                up = await self._run()
                if up != self._up:
                    log.info("check_changed", service=self._service, check=self._name, state="up" if up else "down")
                self._up, self._fresh_until = up, time.monotonic() + CACHED_FOR
        return self._up

    async def _run(self) -> bool:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT):
                await self._check()
        except Exception as error:  # noqa: BLE001 - whatever it was, the thing is down; why goes to the log alone
            log.warning("check_failed", service=self._service, check=self._name, error=error)
            return False
        return True


def health_routes(service: str, version: str, checks: Mapping[str, Check], ready: Collection[str]) -> list[Route]:
    """`/health` runs all checks, `/health/ready` those named in `ready`, `/health/live` none.

    Each answers `{status, timestamp, version, checks}`, with 503 when a check fails; a failure says "down", no more.
    Raises ValueError when `ready` names no check.
    """
    if unknown := set(ready) - set(checks):
        raise ValueError(f"no such check: {', '.join(sorted(unknown))}")
    probes = {name: _Probe(service, name, check) for name, check in checks.items()}

    def route(path: str, names: Iterable[str]) -> Route:
        shown = sorted(names)

        async def answer(_request: Request) -> Response:
            name_operation("health")
            ups = await asyncio.gather(*(probes[name].is_up() for name in shown))
            body = {
                "status": "ok" if all(ups) else "down",
                "timestamp": utc_now().isoformat(),
                "version": version,
                "checks": {name: "ok" if up else "down" for name, up in zip(shown, ups, strict=True)},
            }
            return JSONResponse(body, 200 if all(ups) else 503, headers={"cache-control": "no-store"})

        return Route(path, answer)

    return [route("/health", checks), route("/health/ready", ready), route("/health/live", ())]
