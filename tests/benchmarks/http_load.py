"""Load over HTTP/1.1 from one process: closed loops to find what is possible, open ones to see how long people wait.

Eight connections stay open, unless more are asked for. In an open loop requests arrive at their own times, whatever became of those before; one that
finds all connections busy waits for one, and that is part of its latency.
"""

import asyncio
import itertools
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import httptools

CONNECTIONS = 8
_LONGEST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """A request as it goes over the wire; a right answer holds `marker` so many times."""

    request: bytes
    marker: bytes
    count: int

    def answered_by(self, answer: Answer) -> bool:
        """Whether the answer has no error and as many objects as there are; cheap, for it costs the cores that are measured."""
        fine = answer.status == 200 and b'"errors":' not in answer.body
        return fine and answer.body.count(self.marker) == self.count


@dataclass(slots=True)
class Outcome:
    """What a loop saw."""

    latencies: list[float] = field(default_factory=list)
    errors: int = 0
    seconds: float = 0.0
    bytes: int = 0

    @property
    def rate(self) -> float:
        """Right answers a second."""
        return (len(self.latencies) - self.errors) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency, in milliseconds, that this share of the requests did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] * 1000


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is none by inheritance

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)

    def on_message_complete(self) -> None:
        self._answer.set_result(Answer(self._parser.get_status_code(), b"".join(self._parts)))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("closed before the answer"))

    async def ask(self, request: bytes) -> Answer:
        """Raises OSError when the connection ends, TimeoutError when nothing comes."""
        self._parser = httptools.HttpResponseParser(self)
        self._parts = []
        self._answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        async with asyncio.timeout(_LONGEST_SECONDS):
            return await self._answer

    def close(self) -> None:
        self._transport.close()


async def ask_once(port: int, question: Question) -> Answer:
    """One request on a connection of its own."""
    connection = await _connected(port)
    try:
        return await connection.ask(question.request)
    finally:
        connection.close()


async def closed_loop(
    port: int, questions: Sequence[Question], seconds: float, *, connections: int = CONNECTIONS
) -> Outcome:
    """Each connection asks again as soon as it is answered: how much is possible."""
    numbers = itertools.count()
    deadline = time.perf_counter() + seconds

    def arrivals() -> Iterator[tuple[float, Question]]:
        while (now := time.perf_counter()) < deadline:
            yield now, questions[next(numbers) % len(questions)]

    return await _all_connections(port, arrivals(), connections)


async def open_loop(
    port: int,
    questions: Sequence[Question],
    seconds: float,
    *,
    per_second: float,
    seed: int,
    connections: int = CONNECTIONS,
) -> Outcome:
    """Requests arrive by chance (exponential gaps), `per_second` of them on average."""
    chance, start = random.Random(seed), time.perf_counter()

    def arrivals() -> Iterator[tuple[float, Question]]:
        at = 0.0
        for number in itertools.count():
            at += chance.expovariate(per_second)
            if at > seconds:
                return
            yield start + at, questions[number % len(questions)]

    return await _all_connections(port, arrivals(), connections)


async def _all_connections(port: int, arrivals: Iterator[tuple[float, Question]], connections: int) -> Outcome:
    """A question goes to the connection that is free first."""
    outcome, start = Outcome(), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_work(port, arrivals, outcome))
    outcome.seconds = time.perf_counter() - start
    return outcome


async def _work(port: int, arrivals: Iterator[tuple[float, Question]], outcome: Outcome) -> None:
    connection = await _connected(port)
    for at, question in arrivals:
        began = at
        if (early := at - time.perf_counter()) > 0:
            await asyncio.sleep(early)
            began = time.perf_counter()  # timers are a millisecond late, which is not the server's fault
        try:
            answer = await connection.ask(question.request)
            right = question.answered_by(answer)
            outcome.bytes += len(answer.body)
        except OSError:  # TimeoutError is one
            right = False
            connection.close()
            connection = await _connected(port)
        outcome.latencies.append(time.perf_counter() - began)
        outcome.errors += not right
    connection.close()


async def _connected(port: int) -> _Connection:
    _, connection = await asyncio.get_running_loop().create_connection(_Connection, "127.0.0.1", port)
    return connection
