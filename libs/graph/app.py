"""The ASGI application around a schema: who asks is settled before anything runs, what leaves is masked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import psycopg
import redis.asyncio as redis
from cross_web import HTTPException
from sqlalchemy import FromClause, text
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse
from strawberry.types import ExecutionResult

from libs.auth import AuthError, Revocations, TokenVerifier, resolve_actor
from libs.db import Database
from libs.files import MOST_BYTES
from libs.graph.context import RequestContext
from libs.graph.depth import nests_too_deeply
from libs.graph.errors import RequestRefused, failure_told, formatted, is_outage, is_timeout
from libs.graph.schema import SubgraphSchema
from libs.graph.subscriptions import Subscriptions
from libs.graph.tenants import TenantDirectory
from libs.kernel import PLATFORM_TENANT_ID, Clock, utc_now
from libs.settings import Settings
from libs.telemetry import Metrics, TelemetryMiddleware, health_routes, metrics_route, name_operation

VERSION = "0.1.0"


@dataclass(frozen=True, slots=True)
class Subgraph:
    """What one subgraph's application is made of."""

    name: str
    settings: Settings
    schema: SubgraphSchema
    database: Database
    tenants: FromClause
    extras: Any = None
    clock: Clock = utc_now


class GraphView(GraphQL[RequestContext, None]):
    """Strawberry's view with orjson, our actor and our errors."""

    def __init__(
        self, subgraph: Subgraph, revocations: Revocations, directory: TenantDirectory, metrics: Metrics
    ) -> None:
        super().__init__(subgraph.schema, graphql_ide=None, allow_queries_via_get=False, subscription_protocols=())
        self._subgraph = subgraph
        self._revocations = revocations
        self._metrics = metrics
        self._verifier = TokenVerifier(subgraph.settings)
        self._directory = directory

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers one request; what goes wrong before execution is a GraphQL error as well."""
        request = Request(scope, receive)
        try:
            response = await self.run(request)
        except (RequestRefused, AuthError) as refused:
            extensions = {"code": refused.code, **getattr(refused, "extensions", {})}
            response = self._refusal(str(refused), extensions, 200)
        except HTTPException as malformed:
            response = self._refusal(malformed.reason, {"code": "BAD_REQUEST"}, malformed.status_code)
        except (SQLAlchemyError, psycopg.Error) as failure:  # of the look at the school, before any field is asked
            if not (is_outage(failure) or is_timeout(failure)):
                raise
            response = self._refusal(*failure_told(failure), 503)
        await response(scope, receive, send)

    def _refusal(self, message: str, extensions: Mapping[str, Any], status: int) -> Response:
        self._metrics.count_error(extensions["code"])
        body = orjson.dumps({"errors": [{"message": message, "extensions": extensions}]})
        return Response(body, status, media_type="application/json")

    async def get_context(  # type: ignore[override] # no WebSocket route leads here
        self,
        request: Request,
        response: Response,  # noqa: ARG002
    ) -> RequestContext:
        """See admit."""
        return await self.admit(request)

    async def admit(self, request: Request) -> RequestContext:
        """Verifies the token, compares it with the tenant header, and refuses suspended schools.

        Raises AuthError and RequestRefused.
        """
        subgraph, now = self._subgraph, self._subgraph.clock()
        tenant_id = _tenant_header(request)
        actor = None
        if authorization := request.headers.get("authorization"):
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() != "bearer":
                raise RequestRefused("UNAUTHENTICATED", "Send a bearer token.")
            actor = resolve_actor(await self._verifier.verify(token, now), tenant_id)
            self._revocations.check(actor, mutation=False, now=now)
            tenant_id = actor.tenant_id
        tenant = await self._directory.get(tenant_id) if tenant_id and tenant_id != PLATFORM_TENANT_ID else None
        if tenant_id and tenant_id != PLATFORM_TENANT_ID and tenant is None:
            raise RequestRefused("TENANT_UNKNOWN", "There is no such school here, or not yet.")
        if tenant and actor and tenant.status != "ACTIVE" and not actor.is_platform:
            raise RequestRefused("TENANT_SUSPENDED", "The school is suspended.")
        request.state.language = language_of(request)
        return RequestContext(
            subgraph=subgraph.name,
            request=request,
            database=subgraph.database,
            revocations=self._revocations,
            actor=actor,
            tenant=tenant,
            language=request.state.language,
            address=client_address(request),
            clock=subgraph.clock,
            extras=subgraph.extras,
        )

    def decode_json(self, data: str | bytes) -> object:
        """orjson refuses what recurses too deep, as a malformed body."""
        decoded = orjson.loads(data)
        if not isinstance(decoded, dict | list):
            raise HTTPException(400, "The body must be a JSON object.")
        if isinstance(decoded, dict):
            document = decoded.get("query")
            if isinstance(document, str) and nests_too_deeply(document):
                raise HTTPException(400, "The document is nested too deeply.")
            name = decoded.get("operationName")
            name_operation(name if isinstance(name, str) else None)
        return decoded

    def encode_json(self, data: object) -> bytes:
        """Bytes of an answer."""
        return orjson.dumps(data)

    def create_response(self, response_data: Any, sub_response: Response) -> Response:
        """The answer; a header tells the router that it carries no errors, before it reads the first byte."""
        response = super().create_response(response_data, sub_response)
        if "errors" not in response_data:
            response.headers["x-graph-whole"] = "1"
        return response

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """The answer with its errors masked."""
        answer: GraphQLHTTPResponse = {"data": result.data}
        if result.errors:
            language = getattr(request.state, "language", "id")
            told = [formatted(error, language) for error in result.errors]
            for error in told:
                self._metrics.count_error(error["extensions"]["code"])
            answer["errors"] = told  # type: ignore[typeddict-item]
        return answer


def _tenant_header(request: Request) -> UUID | None:
    values = request.headers.getlist("x-tenant-id")
    if not values or values == [""]:
        return None
    try:
        (value,) = values
        return UUID(value)
    except ValueError:
        raise RequestRefused("BAD_REQUEST", "X-Tenant-Id must be one UUID.", header="X-Tenant-Id") from None


def language_of(request: Request) -> str:
    """The language of texts for people: id, or en for whoever asks for it first."""
    return "en" if request.headers.get("accept-language", "").lower().startswith("en") else "id"


def client_address(request: Request) -> str:
    """The client's address as the router saw it; it alone sets the header and alone reaches a subgraph."""
    forwarded = request.headers.get("x-forwarded-for", "").split(",")[0].strip()
    return forwarded or (request.client.host if request.client else "")


def subgraph_app(
    subgraph: Subgraph,
    routes: Sequence[BaseRoute] = (),
    *,
    start: Callable[[], Awaitable[None]] | None = None,
    beside: Sequence[Callable[[asyncio.Event], Awaitable[None]]] = (),
) -> Starlette:
    """The application of one subgraph: `/graphql`, health, metrics and its own plain HTTP routes.

    `start` runs once before the first request, each of `beside` as long as requests are served.
    """
    settings = subgraph.settings
    revocations, metrics = Revocations(settings, clock=subgraph.clock), Metrics(subgraph.name)
    directory = TenantDirectory(subgraph.database, subgraph.tenants)
    view = GraphView(subgraph, revocations, directory, metrics)
    cache = redis.from_url(settings.valkey_url)

    async def database_answers() -> None:
        async with subgraph.database.engine.connect() as connection:
            await connection.execute(text("select 1"))

    async def valkey_answers() -> None:
        await cache.ping()

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        stop = asyncio.Event()
        await revocations.poll()  # until the first one succeeds, every mutation would be refused
        polling = asyncio.gather(revocations.run(stop), directory.run(stop), *(run(stop) for run in beside))
        if start is not None:
            await start()
        yield
        stop.set()
        await polling
        await revocations.close()
        await cache.aclose()
        await subgraph.database.close()

    checks = {"database": database_answers, "valkey": valkey_answers}
    return Starlette(
        routes=[
            *_graph_routes(subgraph, view),
            *health_routes(subgraph.name, VERSION, checks, ready=("database",)),
            metrics_route(metrics),
            *routes,
        ],
        middleware=[Middleware(TelemetryMiddleware, metrics=metrics, max_file=MOST_BYTES)],
        lifespan=lifespan,
    )


def _graph_routes(subgraph: Subgraph, view: GraphView) -> list[BaseRoute]:
    """`/graphql`; over WebSocket too where there are subscriptions."""
    routes: list[BaseRoute] = [Route("/graphql", view, methods=["POST", "GET"])]
    if subgraph.schema.subscription is not None:
        routes.append(WebSocketRoute("/graphql", Subscriptions(subgraph.schema, view.admit)))
    return routes
