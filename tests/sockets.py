"""A client of graphql-transport-ws that sees every message."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")
SECONDS = 10.0
"""Until a message that must come is given up."""


@dataclass
class Socket:
    """One socket; what it receives is read one by one."""

    connection: ClientConnection
    _ids: Any = field(default_factory=lambda: map(str, itertools.count(1)))

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self, seconds: float = SECONDS) -> dict[str, Any]:
        """The next message. Raises TimeoutError, ConnectionClosed."""
        async with asyncio.timeout(seconds):
            message: dict[str, Any] = json.loads(await self.connection.recv())
        return message

    async def begin(self, headers: Mapping[str, str] | None = None) -> None:
        """Says who asks."""
        await self.send(type="connection_init", payload=dict(headers or {}))
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, query: str, **variables: Any) -> str:
        """Begins a subscription; answers its id."""
        operation_id = next(self._ids)
        await self.send(id=operation_id, type="subscribe", payload={"query": query, "variables": variables})
        return str(operation_id)

    async def told(self, seconds: float = SECONDS) -> Any:
        """The data of the next message, which tells something without errors."""
        message = await self.receive(seconds)
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        return message["payload"]["data"]

    async def refusal(self, seconds: float = SECONDS) -> str:
        """The code of the error that the next message tells."""
        message = await self.receive(seconds)
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        return str(errors[0]["extensions"]["code"])

    async def ending(self, seconds: float = SECONDS) -> str:
        """The code of the error that ends a subscription, told as its last result or in its place."""
        message = await self.receive(seconds)
        if message["type"] == "next":
            assert (await self.receive(seconds))["type"] == "complete"
            return str(message["payload"]["errors"][0]["extensions"]["code"])
        assert message["type"] == "error", message
        return str(message["payload"][0]["extensions"]["code"])

    async def is_silent(self, seconds: float) -> bool:
        """Whether nothing comes for a while."""
        try:
            await self.receive(seconds)
        except TimeoutError:
            return True
        return False

    async def end(self, seconds: float = SECONDS) -> tuple[int, str]:
        """Code and reason of the close, after whatever still comes."""
        with suppress(ConnectionClosed):
            while True:
                await self.receive(seconds)
        assert self.connection.close_code is not None
        return self.connection.close_code, self.connection.close_reason or ""


@asynccontextmanager
async def socket_to(url: str, **options: Any) -> AsyncIterator[Socket]:
    """An open socket that has not said anything; `options` are those of websockets' connect."""
    async with connect(url, **{"subprotocols": [PROTOCOL], "compression": None} | options) as connection:
        yield Socket(connection)


@asynccontextmanager
async def asking(url: str, headers: Mapping[str, str] | None = None, **options: Any) -> AsyncIterator[Socket]:
    """A socket of somebody."""
    async with socket_to(url, **options) as socket:
        await socket.begin(headers)
        yield socket
