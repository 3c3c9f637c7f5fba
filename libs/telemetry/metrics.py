"""Metrics for Prometheus: the names of production.md, in a registry of the application's own."""

import re

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from libs.telemetry.request import name_operation

OTHER = "other"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE", "WEBSOCKET"})
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,63}")


class BoundedNames:
    """The first `limit` distinct names stay themselves; what comes after them is `other`.

    Names that clients choose become label values, and each value costs memory for the life of the process.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[str] = set()

    def __call__(self, name: str | None) -> str:
        if name is None or _NAME.fullmatch(name) is None:
            return OTHER
        if name not in self._known:
            if len(self._known) >= self._limit:
                return OTHER
            self._known.add(name)
        return name


class Metrics:
    """The metrics of one application, with a registry of its own so that a process can hold several."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        self._operations = BoundedNames(200)
        self._codes = BoundedNames(100)
        self._requests = Counter(
            "http_requests_total", "Requests answered.", ("service", "method", "status"), registry=self.registry
        )
        self._duration = Histogram(
            "http_request_duration_seconds",
            "Time to the last byte, seconds.",
            ("service", "operation"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._errors = Counter("graphql_errors_total", "GraphQL errors by code.", ("code",), registry=self.registry)
        self.outbox_lag_seconds = self._gauge("outbox_lag_seconds", "Age of the oldest unpublished event, seconds.")
        self.queue_messages_pending = self._gauge("queue_messages_pending", "Work waiting in a queue.", "queue")
        self.consumer_lag = self._gauge("consumer_lag", "Events a consumer has not acknowledged.", "consumer")
        self.database_connections_active = self._gauge("database_connections_active", "Connections in use.")

    def count_request(self, *, method: str, status: int, operation: str | None, seconds: float) -> None:
        """Counts one answered request; `operation` is the name the client gave, if any."""
        known = method if method in _METHODS else OTHER
        self._requests.labels(self.service, known, str(status)).inc()
        self._duration.labels(self.service, self._operations(operation)).observe(seconds)

    def count_error(self, code: str) -> None:
        """Counts one GraphQL error, top-level or a member of a result union, by its code."""
        self._errors.labels(self._codes(code)).inc()

    def render(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def _gauge(self, name: str, description: str, *labels: str) -> Gauge:
        # the worker measures several subgraphs in one process, hence `service` on each
        return Gauge(name, description, ("service", *labels), registry=self.registry)


def metrics_route(metrics: Metrics) -> Route:
    """`GET /metrics`."""

    async def show(_request: Request) -> Response:
        name_operation("metrics")
        return Response(metrics.render(), headers={"content-type": CONTENT_TYPE_LATEST, "cache-control": "no-store"})

    return Route("/metrics", show)
