"""Pieces of an ASGI application, written out."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

Receive = Callable[[], Any]
Send = Callable[[dict[str, Any]], Any]


def telling_whole(send: Send) -> Send:
    """As our subgraphs do: an answer without errors says so in a header."""
    start: dict[str, Any] = {}

    async def telling(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        if start and b'"errors"' not in message.get("body", b""):
            start["headers"] = [*start["headers"], (b"x-graph-whole", b"1")]
        if start:
            await send(dict(start))
            start.clear()
        await send(message)

    return telling


async def read(receive: Receive) -> bytes:
    """The whole body."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def replay(body: bytes) -> Receive:
    """A `receive` that gives this body."""
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        for message in messages:
            return message
        await asyncio.Event().wait()
        raise AssertionError

    return receive


async def answer(send: Send, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    """One answer."""
    names = {"content-type": "application/json"} | (headers or {})
    raw = [(name.encode(), value.encode()) for name, value in names.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def send_in_pieces(send: Send, piece: bytes, count: int) -> None:
    """A PDF that does not come at once."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/pdf")]})
    for _ in range(count):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def reset(send: Send) -> None:
    """Ends the connection with a reset and nothing else, as a process does that is killed with the request in hand."""
    transport = send.__self__.transport  # type: ignore[attr-defined]  # uvicorn's own
    at_once = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    transport.abort()
