"""The reference: one generic resolver on graphql-core's plain execution, a query for each object and field.

It reads the declarations, asks as the subgraph's app role, and leaves completion, null propagation and the order of
keys to graphql-core. It shares nothing with the engine that it is compared with.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
from graphql import GraphQLError, execute, get_named_type, is_non_null_type, parse, validate
from graphql.execution import MiddlewareManager
from graphql.execution.executor import Executor
from sqlalchemy import Date, Uuid, create_engine, literal, select
from starlette.requests import Request

from libs.auth import Actor
from libs.crypto import KeyRing, SignedLinks
from libs.db import Database
from libs.events import OutboxWriter
from libs.graph import Call, RequestContext
from libs.graph.errors import root_cause
from libs.graph.fields import ColumnField, ComputedField, DerivedField, FigureField, Relation, StubField, graph_name
from libs.graph.tenants import TenantState
from libs.kernel import Forbidden, utc_now
from libs.settings import Settings
from subgraphs.academic.schema import schema as academic_schema
from subgraphs.admission.schema import schema as admission_schema
from subgraphs.finance.schema import schema as finance_schema
from subgraphs.identity.schema import schema as identity_schema
from subgraphs.identity.user.queries import Contacts
from subgraphs.notification.schema import schema as notification_schema
from subgraphs.operations.schema import schema as operations_schema
from tests.reads.figures import Group, Keys, figures, of_group, of_keys
from tests.reads.roots import ROOTS
from tests.reads.rowwise import Found, Page, Reading, cursor_of
from tests.reads.world import zone_of

SCHEMAS = {
    "academic": academic_schema._schema,
    "identity": identity_schema._schema,
    "notification": notification_schema._schema,
    "finance": finance_schema._schema,
    "operations": operations_schema._schema,
    "admission": admission_schema._schema,
}


@dataclass(frozen=True)
class Told:
    """An answer: data, and the errors as (path, code)."""

    data: Any
    errors: list[tuple[tuple[str | int, ...], str]]


@dataclass(frozen=True)
class _Asked:
    """What the resolver knows of a request."""

    reading: Reading
    request: RequestContext
    one_by_one: asyncio.Lock


class _PlainExecutor(Executor):
    """graphql-core's own; an entity's type is that of its row."""

    def complete_abstract_value(self, *arguments: Any) -> Any:
        _, details, info, path, result, context = arguments
        return self.complete_object_value(
            info.schema.type_map[result.entity.name], details, info, path, result, context
        )


class Reference:
    """Answers documents of one subgraph, field by field."""

    def __init__(self, settings: Settings, subgraph: str) -> None:
        self._subgraph = subgraph
        writer = OutboxWriter(subgraph, KeyRing.from_settings(settings))
        self._database = Database(settings, subgraph, on_flush=writer)
        self._extras = SimpleNamespace(contacts=Contacts(settings), links=SignedLinks(settings, purpose="report card"))
        url = settings.database_for(f"{subgraph}_app")
        self._engine = create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(url, options="-c timezone=UTC")
        )

    async def close(self) -> None:
        """Closes both pools."""
        self._engine.dispose()
        await self._database.close()

    async def __call__(self, document: str, variables: dict[str, Any], actor: Actor) -> Told:
        """What plain execution answers."""
        with self._engine.connect() as connection:
            request = self._request(actor)
            reading = Reading(self._subgraph, connection, actor, request.today, utc_now(), self._extras)
            parsed = parse(document)
            assert validate(SCHEMAS[self._subgraph], parsed) == [], document
            answer = execute(
                SCHEMAS[self._subgraph],
                parsed,
                variable_values=variables,
                context_value=_Asked(reading, request, asyncio.Lock()),
                middleware=MiddlewareManager(_resolve),
                executor_class=_PlainExecutor,
            )
            result = await answer if asyncio.iscoroutine(answer) or asyncio.isfuture(answer) else answer
        return Told(result.data, [(tuple(each.path or ()), _code(each)) for each in result.errors or ()])

    def _request(self, actor: Actor) -> RequestContext:
        return RequestContext(
            subgraph=self._subgraph,
            request=Request({"type": "http", "headers": []}),
            database=self._database,
            revocations=None,
            actor=actor,
            tenant=TenantState(actor.tenant_id, zone_of(actor.tenant_id), "ACTIVE", frozenset()),
            language="id",
            address="",
            extras=self._extras,
        )


def _code(error: GraphQLError) -> str:
    cause = root_cause(error)
    if cause is None:
        return "BAD_REQUEST"
    code = getattr(cause, "code", None)
    if code is None:
        raise cause
    return code


def _resolve(_: Any, source: Any, info: Any, **arguments: Any) -> Any:  # noqa: PLR0911 - one for each kind of source
    asked: _Asked = info.context
    name = info.field_name
    if name == "__typename":
        return info.parent_type.name
    match source:
        case None if name == "_entities":
            return [_entity(asked.reading, each) for each in arguments["representations"]]
        case None:
            return ROOTS[asked.reading.subgraph][name](asked.reading, arguments)
        case Page():
            return _of_page(source, name)
        case dict():
            return source[name]
        case Group():
            return of_group(source, name)
        case Keys():
            return of_keys(source, name)
        case Found():
            return _of_row(source, info, arguments)
    found = getattr(source, re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name))
    return sorted(found) if isinstance(found, frozenset) else found


def _entity(reading: Reading, reference: dict[str, Any]) -> Any:
    entity = reading.entity(reference["__typename"])
    try:
        if entity.source is None:
            reading.context(entity.resource)
            return Found(entity, {"id": UUID(reference["id"])}, reading)
        return reading.only(entity.name, id=UUID(reference["id"]))
    except Forbidden as refused:
        return refused  # an error at its place in the list


def _of_page(page: Page, name: str) -> Any:
    match name:
        case "nodes":
            return page.nodes
        case "edges":
            return [{"cursor": cursor_of(row), "node": row} for row in page.nodes]
        case "pageInfo":
            return page.page_info()
    return len(page.rows)


def _of_row(found: Found, info: Any, arguments: dict[str, Any]) -> Any:  # noqa: PLR0911 - one for each kind of field
    declared = found.entity.fields[info.field_name]
    match declared.field:
        case ColumnField(permission=str() as permission) if permission not in found.reading.actor.permissions:
            raise Forbidden
        case ColumnField(of=None):
            return found.values[declared.name]
        case ColumnField():
            return _whole(found.values[f"{info.field_name} ()"])
        case FigureField(of=of):
            context = found.reading.context(found.entity.resource)
            value = of(literal(found.values["id"], Uuid()), context).label("value")
            return _whole(found.reading.run(select(value), context.reach)[0]["value"])
        case StubField(key=key):
            identity = found.values[key]
            target = found.reading.entity(get_named_type(info.return_type).name)
            return None if identity is None else Found(target, {"id": identity}, found.reading)
        case ComputedField() as computed:
            return _computed(found, computed, info.context)
        case DerivedField() as derived:
            return _derived(found, derived, arguments)
        case Relation() as relation:
            return _related(found, declared.name, relation, info, arguments)
    raise AssertionError(declared)


def _derived(found: Found, declared: DerivedField, arguments: dict[str, Any]) -> Any:
    """What the statement of the domain makes for this row alone, its arguments plain values.

    Whether that statement counts right is for seen_lessons.py to say, which adds up the rows in Python.
    """
    reading, entity = found.reading, found.reading.entity(declared.target)
    context, made = reading.context(entity.resource), entity.made
    assert made is not None
    values = {}
    for name, (kind, _) in declared.arguments.items():
        given = arguments.get(graph_name(name))
        values[name] = None if given is None else literal(given, {UUID: Uuid(), date: Date()}[kind])
    statement = made(literal(found.values["id"], Uuid()), context, **values)
    rows = [Found(entity, row, reading) for row in reading.run(statement, context.reach)]
    return rows if declared.many else next(iter(rows), None)


def _whole(value: Any) -> Any:
    """PostgreSQL's sums of whole numbers are numeric."""
    return int(value) if isinstance(value, Decimal) and value == int(value) else value


def _related(found: Found, name: str, relation: Relation, info: Any, arguments: dict[str, Any]) -> Any:
    rows = found.reading.related(found, name, relation)
    match relation.kind:
        case "one":
            row = rows.first()
            if row is None and is_non_null_type(info.return_type):
                raise Forbidden  # there is one, but not for this actor
            return row
        case "many":
            return rows.list(relation.order)
        case "count":
            return len(rows.all())
        case "aggregates":
            return figures(rows, arguments)
    return Page(rows, arguments, relation.order)


class _Everything(frozenset[str]):
    """Whatever a batch asks for is selected: here a field's own resolver tells what of it is."""

    def __contains__(self, _: object) -> bool:
        return True


async def _computed(found: Found, computed: ComputedField, asked: _Asked) -> Any:
    actor = asked.request.signed_in
    is_own = computed.own is not None and found.values[computed.own] == actor.user_id
    if computed.permission is not None and computed.permission not in actor.permissions and not is_own:
        raise Forbidden
    row = SimpleNamespace(**{name: found.values[name] for name in computed.columns})
    async with asked.one_by_one, asked.request.database.write(actor.binding(found.entity.resource)) as tx:
        (value,) = await computed.batch(Call(tx, asked.request, selected=_Everything()), [row])
    if isinstance(value, Exception):
        raise value
    return value if value is None or computed.take is None else computed.take(value)
