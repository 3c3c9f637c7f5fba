"""What the middleware knows of the request being served, for logs, errors and metrics."""

from contextvars import ContextVar
from dataclasses import dataclass

from libs.kernel import new_id


@dataclass(slots=True)
class RequestFacts:
    """One request: its id, which is the correlation id of its errors, and the operation once the graph has read it."""

    id: str
    operation: str | None = None


current_request: ContextVar[RequestFacts | None] = ContextVar("current_request", default=None)


def correlation_id() -> str:
    """The id that an error tells the client and a log line tells us; a new one outside a request."""
    request = current_request.get()
    return request.id if request is not None else str(new_id())


def name_operation(name: str | None) -> None:
    """Tells metrics and the access log which operation the request at hand runs; does nothing outside a request."""
    request = current_request.get()
    if request is not None:
        request.operation = name
