"""Subscriptions over WebSocket, as the router asks for them: graphql-transport-ws, and nothing else over a socket.

Who asks is settled for each subscription as for any request, from the headers in `connection_init`, and again every
second: a token that has expired or was revoked, or a school that is suspended, ends what it began.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any, Final

import orjson
import psycopg
from graphql import GraphQLError
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from libs.auth import AuthError, Unavailable
from libs.events import FeedEnded
from libs.graph.context import RequestContext
from libs.graph.depth import nests_too_deeply
from libs.graph.errors import RequestRefused, formatted, root_cause
from libs.graph.schema import SubgraphSchema

PROTOCOL: Final = "graphql-transport-ws"
_MOST_FRAME: Final = 256 * 1024  # characters of one message
_MOST_OPERATIONS: Final = 100  # of one socket
_INIT_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 1.0
_SEND_SECONDS: Final = 10.0  # until a client counts as slow that takes nothing

# Close codes: RFC 6455's, and those of the protocol.
_TOO_BIG, _TRY_LATER = 1009, 1013
_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _NO_INIT, _KNOWN_ID, _SECOND_INIT = 4400, 4401, 4403, 4408, 4409, 4429
_FEED_TEXTS: Final = {
    "SLOW_CLIENT": "You did not take what was told; subscribe again.",
    "UNAVAILABLE": "The service is unavailable; subscribe again.",
}

Admit = Callable[[Request], Awaitable[RequestContext]]


class _Ended(Exception):
    """The socket is to be closed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Subscriptions:
    """`/graphql` for WebSockets. `admit` settles who asks; it raises RequestRefused, AuthError."""

    def __init__(self, schema: SubgraphSchema, admit: Admit) -> None:
        self._schema = schema
        self._admit = admit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one socket; one of another protocol is refused before it opens."""
        socket = WebSocket(scope, receive, send)
        if PROTOCOL not in scope["subprotocols"]:
            await socket.close()
            return
        await socket.accept(PROTOCOL)
        await _Conversation(socket, self._schema, self._admit).run()


class _Conversation:
    """One socket from its first message to its end."""

    def __init__(self, socket: WebSocket, schema: SubgraphSchema, admit: Admit) -> None:
        self._socket = socket
        self._schema = schema
        self._admit = admit
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._language = "id"

    async def run(self) -> None:
        """Ends with the client, or by closing the socket with a reason; nothing that was begun goes on then."""
        reasons: list[_Ended] = []
        try:
            async with asyncio.TaskGroup() as tasks:
                self._request = await self._begin()
                tasks.create_task(self._watch())
                while True:
                    await self._take(await self._receive(), tasks)
        except* _Ended as ended:
            reasons += [each for each in ended.exceptions if isinstance(each, _Ended)]
        except* WebSocketDisconnect:
            pass
        if reasons:
            # Whoever takes nothing will not take this either.
            with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._socket.close(reasons[0].code, reasons[0].reason)

    async def _begin(self) -> Request:
        """The first message, as a request with its headers."""
        try:
            async with asyncio.timeout(_INIT_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise _Ended(_NO_INIT, "Connection initialisation timeout") from None
        if message["type"] != "connection_init":
            raise _Ended(_UNAUTHORIZED, "Unauthorized")
        request = self._asking(message.get("payload") or {})
        await self._send({"type": "connection_ack"})
        return request

    def _asking(self, headers: Any) -> Request:
        try:
            raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        except (AttributeError, UnicodeEncodeError):
            raise _Ended(_BAD_REQUEST, "The payload of connection_init holds headers") from None
        about = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": raw}
        return Request({**about, "client": self._socket.scope["client"], "state": {}})

    async def _receive(self) -> dict[str, Any]:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"], message.get("reason"))
        text = message.get("text")
        if text is None or len(text) > _MOST_FRAME:
            raise _Ended(_BAD_REQUEST if text is None else _TOO_BIG, "A message is text of at most 256 KiB")
        try:
            decoded = orjson.loads(text)
        except ValueError:
            raise _Ended(_BAD_REQUEST, "A message is JSON") from None
        if not isinstance(decoded, dict) or not isinstance(decoded.get("type"), str):
            raise _Ended(_BAD_REQUEST, "A message has a type")
        return decoded

    async def _send(self, message: Mapping[str, Any]) -> None:
        try:
            async with asyncio.timeout(_SEND_SECONDS):
                await self._socket.send_text(orjson.dumps(message).decode())
        except TimeoutError:
            raise _Ended(_TRY_LATER, "SLOW_CLIENT") from None

    async def _watch(self) -> None:
        """Settles again and again who asks, as long as anything is told. That nobody can say so ends nothing."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                if self._operations:
                    await self._admit(self._request)
            except (RequestRefused, AuthError) as refused:
                if isinstance(refused, Unavailable):
                    continue
                for operation_id in list(self._operations):
                    await self._refuse(operation_id, [GraphQLError(str(refused), original_error=refused)])
                raise _Ended(_FORBIDDEN, refused.code) from None
            except (SQLAlchemyError, psycopg.Error):
                continue  # what a subscription reads next tells of it

    async def _take(self, message: Mapping[str, Any], tasks: asyncio.TaskGroup) -> None:
        """Does what a message asks for."""
        match message:
            case {"type": "ping"}:
                await self._send({"type": "pong"})
            case {"type": "pong"}:
                pass
            case {"type": "complete", "id": str(operation_id)}:
                if task := self._operations.pop(operation_id, None):
                    task.cancel()
            case {"type": "subscribe", "id": str(operation_id), "payload": {"query": str()} as payload}:
                if operation_id in self._operations:
                    raise _Ended(_KNOWN_ID, "Subscriber already exists")
                if len(self._operations) >= _MOST_OPERATIONS:
                    raise _Ended(_BAD_REQUEST, f"At most {_MOST_OPERATIONS} subscriptions on one socket")
                self._operations[operation_id] = tasks.create_task(self._follow(operation_id, payload))
            case {"type": "connection_init"}:
                raise _Ended(_SECOND_INIT, "Too many initialisation requests")
            case _:
                raise _Ended(_BAD_REQUEST, "No message of this protocol")

    async def _follow(self, operation_id: str, payload: Mapping[str, Any]) -> None:
        """Tells one subscription until it ends; what goes wrong ends it."""
        try:
            context = await self._admit(self._request)
            self._language = context.language
            await self._tell(operation_id, payload, context)
        except GraphQLError as malformed:  # a document that cannot be parsed
            await self._refuse(operation_id, [malformed])
        except (RequestRefused, AuthError, SQLAlchemyError, psycopg.Error) as failure:
            await self._refuse(operation_id, [GraphQLError(str(failure), original_error=failure)])

    async def _tell(self, operation_id: str, payload: Mapping[str, Any], context: RequestContext) -> None:
        if nests_too_deeply(payload["query"]):
            raise RequestRefused("BAD_REQUEST", "The document is nested too deeply.")
        variables, name = payload.get("variables"), payload.get("operationName")
        if not isinstance(variables, dict | None) or not isinstance(name, str | None):
            raise RequestRefused("BAD_REQUEST", "Variables are an object, the name of an operation is a text.")
        results: Any = await self._schema.subscribe(
            payload["query"], variable_values=variables, context_value=context, operation_name=name
        )
        async with aclosing(results):
            async for result in results:
                if result.data is None:  # before it began, or where it ended
                    await self._refuse(operation_id, result.errors)
                    return
                told: dict[str, Any] = {"data": result.data}
                if result.errors:
                    told["errors"] = [formatted(error, self._language) for error in result.errors]
                await self._send({"id": operation_id, "type": "next", "payload": told})
        if self._operations.pop(operation_id, None):
            await self._send({"id": operation_id, "type": "complete"})

    async def _refuse(self, operation_id: str, errors: list[GraphQLError]) -> None:
        """Ends a subscription with errors that may leave the house."""
        if self._operations.pop(operation_id, None) is None:
            return
        told = [formatted(_typed(error), self._language) for error in errors]
        await self._send({"id": operation_id, "type": "error", "payload": told})


def _typed(error: GraphQLError) -> GraphQLError:
    """The error as the client is told of it, where something else than a field of the graph has ended it."""
    match root_cause(error):
        case FeedEnded(code=code):
            refused = RequestRefused(code, _FEED_TEXTS[code])
        case InvalidOperationTypeError() | CannotGetOperationTypeError():
            refused = RequestRefused("BAD_REQUEST", "Over a socket there are subscriptions alone, one in a document.")
        case _:
            return error
    return GraphQLError(str(refused), original_error=refused)
