"""The outermost layer of every application: ids, trace, limits, headers, the access line and the last catch."""

import re
import time

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.kernel import new_id
from libs.telemetry.logs import get_logger
from libs.telemetry.metrics import Metrics
from libs.telemetry.request import RequestFacts, current_request
from libs.telemetry.tracing import correlation_id, tracing

MAX_BODY_BYTES = 2**20
_SWITCHING = 101
_CLIENT_GONE = 499
_SERVER_ERROR = 500
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_QUIET = ("/health", "/metrics")
_SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-xss-protection": "1; mode=block",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "content-security-policy": "default-src 'self'",
    "referrer-policy": "strict-origin-when-cross-origin",
}

log = get_logger(__name__)


class BodyTooLarge(Exception):
    """Raised into an application that reads more than the limit; the answer is 413 whatever it makes of that."""


class _Exchange:
    """One request and what was answered so far; stands between the application and the server."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, max_body: int) -> None:
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        self.facts = RequestFacts(given if _SANE_ID.fullmatch(given) else str(new_id()))
        self.scope = scope
        self.status: int | None = None
        self._receive, self._send = receive, send
        self.most = self._left = max_body
        length = headers.get("content-length", "")
        self.too_large = length.isdecimal() and int(length) > max_body

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                self.too_large = True
                raise BodyTooLarge
        return message

    async def send(self, message: Message) -> None:
        if self.too_large and self.status is None:
            return  # the application caught BodyTooLarge and answers something else: 413 follows
        if message["type"] == "http.response.start":
            self.status = message["status"]
            _complete_headers(message, self.facts.id)
        elif message["type"] == "websocket.accept":
            self.status = _SWITCHING
        await self._send(message)

    async def answer(self, status: int, code: str, text: str) -> None:
        """An answer of the middleware's own, in the shape of a GraphQL response, if none has begun."""
        if self.status is not None or self.scope["type"] != "http":
            return
        self.too_large = False
        extensions = {"code": code, "correlationId": correlation_id()}
        body = orjson.dumps({"errors": [{"message": text, "extensions": extensions}]})
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),  # the rest of the body, if any, is not read
        ]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


class TelemetryMiddleware:
    """Pure ASGI middleware around a whole application.

    It stands first in `Starlette(middleware=[...])`: outside of that, Starlette's own catch would answer before it.

    Gives the request an id (`X-Request-Id`, the client's where it is sane) and a trace, refuses bodies over `max_body`
    bytes (below /files: `max_file`) with 413, adds the security headers an answer does not set itself, turns what
    nobody caught into a 500 that tells nothing but the correlation id, and writes the access line and the metrics.
    """

    def __init__(
        self, app: ASGIApp, metrics: Metrics, max_body: int = MAX_BODY_BYTES, max_file: int = MAX_BODY_BYTES
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._max_body = max_body
        self._max_file = max_file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        started_at = time.perf_counter()
        most = self._max_file if scope["path"].startswith("/files/") else self._max_body
        exchange = _Exchange(scope, receive, send, most)
        token = current_request.set(exchange.facts)
        try:
            with tracing(Headers(scope=scope).get("traceparent")):
                try:
                    await self._serve(exchange)
                finally:
                    self._record(exchange, time.perf_counter() - started_at)
        finally:
            current_request.reset(token)

    async def _serve(self, exchange: _Exchange) -> None:
        try:
            if not exchange.too_large:
                await self._app(exchange.scope, exchange.receive, exchange.send)
        except Exception:
            if not exchange.too_large:  # BodyTooLarge is answered below
                log.exception("unhandled", path=exchange.scope["path"])
                if exchange.status is not None or exchange.scope["type"] != "http":
                    raise  # too late for an answer: the server ends the connection
                await exchange.answer(_SERVER_ERROR, "INTERNAL", "Something went wrong on our side.")
        if exchange.too_large:
            await exchange.answer(413, "PAYLOAD_TOO_LARGE", f"The body is larger than {exchange.most} bytes.")

    def _record(self, exchange: _Exchange, seconds: float) -> None:
        method = exchange.scope.get("method", "WEBSOCKET")
        path, operation = exchange.scope["path"], exchange.facts.operation
        status = exchange.status or _CLIENT_GONE
        self._metrics.count_request(method=method, status=status, operation=operation, seconds=seconds)
        line = log.debug if path.startswith(_QUIET) and status < _SERVER_ERROR else log.info
        line("request", method=method, path=path, status=status, ms=round(seconds * 1000, 1), operation=operation)


def _complete_headers(message: Message, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["x-request-id"] = request_id
    for name, value in _SECURITY_HEADERS.items():
        headers.setdefault(name, value)
