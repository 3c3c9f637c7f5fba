"""W3C trace context: one trace id from the router through subgraph, outbox and consumer into every log line."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Self

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 0x01


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A place in a trace. `trace_id` has 32 lower-case hex digits, `span_id` 16; neither is all zeros."""

    trace_id: str
    span_id: str
    sampled: bool = True

    @classmethod
    def new(cls) -> Self:
        """The start of a trace."""
        return cls(trace_id=_random_hex(16), span_id=_random_hex(8))

    @classmethod
    def parse(cls, header: str | None) -> Self | None:
        """What a `traceparent` says, or None where it is absent or malformed by the recommendation."""
        match = _TRACEPARENT.fullmatch(header or "")
        if match is None:
            return None
        version, trace_id, span_id, flags, more = match.groups()
        if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(span_id, 16):
            return None
        return cls(trace_id=trace_id, span_id=span_id, sampled=bool(int(flags, 16) & _SAMPLED))

    def child(self) -> Self:
        """The same trace, one step further."""
        return type(self)(trace_id=self.trace_id, span_id=_random_hex(8), sampled=self.sampled)

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"


current_trace: ContextVar[TraceContext | None] = ContextVar("current_trace", default=None)


def traceparent() -> str:
    """The header for what goes on from here: calls, events, jobs. Outside a trace it starts one."""
    return str(current_trace.get() or TraceContext.new())


def correlation_id() -> str:
    """What an error tells the client, so that it leads to its lines: the trace id, or a new one outside a trace."""
    return (current_trace.get() or TraceContext.new()).trace_id


@contextmanager
def tracing(header: str | None = None) -> Iterator[TraceContext]:
    """Runs the block as a step of the trace that the header names; without a sound header, of a new one."""
    parent = TraceContext.parse(header)
    context = parent.child() if parent is not None else TraceContext.new()
    token = current_trace.set(context)
    try:
        yield context
    finally:
        current_trace.reset(token)


def _random_hex(size: int) -> str:
    while not int(text := secrets.token_hex(size), 16):  # all zeros means "none"
        continue
    return text
