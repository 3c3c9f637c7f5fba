"""What the middleware knows of the request being served, for logs and metrics."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class RequestFacts:
    """One request: its id, and the name of its operation once the graph has read it."""

    id: str
    operation: str | None = None


current_request: ContextVar[RequestFacts | None] = ContextVar("current_request", default=None)


def name_operation(name: str | None) -> None:
    """Tells metrics and the access log which operation the request at hand runs; does nothing outside a request."""
    request = current_request.get()
    if request is not None:
        request.operation = name
