"""Reads: a field of the graph is one compiled statement, whose JSON goes into the answer as it comes.

A statement is compiled once for a document, the form of its variables and the permissions of the actor.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import orjson
from graphql import GraphQLError
from sqlalchemy import ARRAY, ColumnElement, Select, Text, Uuid, column, func, select

from libs.auth import Actor
from libs.db import DIALECT, ReadTransaction
from libs.graph.arguments import Getter, Request, form
from libs.graph.compiler import Compiler
from libs.graph.context import RequestContext
from libs.graph.entity import entities_of
from libs.graph.errors import RequestRefused
from libs.graph.rows import StubRow, as_objects
from libs.graph.selection import Selection
from libs.graph.shapes import MARK_BYTES, Completion, Member, Nested
from libs.kernel import Binding, DomainError, Scope

MOST_OBJECTS: Final = 50_000
"""Objects that one field may give at most, estimated from page sizes before it runs."""
_NONE: Final[Mapping[str, Any]] = {}
_MOMENTS: Final = orjson.OPT_UTC_Z  # those of computed values are written as those of columns
_MOST_PLANS: Final = 2_000
_FREE_OF_VALUES: Final = (str, int, bool, type(None))

Rows = Sequence[bytes | None]
Build = Callable[[Compiler, Selection], tuple[ColumnElement[Any] | Select[Any], Member]]
"""Compiles one field: the SQL of its JSON (or a statement of several such rows), and its place in the answer."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled statement: its text, where the values of its parameters come from, and what its JSON looks like."""

    sql: str
    getters: Sequence[Getter]
    checks: Sequence[Callable[[Request], None]]
    member: Member
    scope: Scope
    computes: bool
    audits: bool

    def values(self, request: Request) -> list[Any]:
        """The values of the parameters, in order. Raises RequestRefused for what the arguments may not be."""
        for check in self.checks:
            check(request)
        if isinstance(self.member, Nested):
            asked = self.member.rows(request) * self.member.shape.objects(request)
            if asked > MOST_OBJECTS:
                text = f"The field may give {asked} objects; at most {MOST_OBJECTS}. Ask for smaller pages."
                raise RequestRefused("COST_LIMIT", text, allowed=MOST_OBJECTS, estimated=asked)
        return [_sendable(getter(request)) for getter in self.getters]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a field gives: JSON to pass on, and errors of fields inside it that are null."""

    value: Any
    errors: Sequence[GraphQLError] = ()


def _sendable(value: Any) -> Any:
    """A value that PostgreSQL takes. Raises RequestRefused for text with NUL or half a character in it."""
    for text in value if isinstance(value, list) else (value,):
        if isinstance(text, str) and ("\0" in text or not _is_whole(text)):
            raise RequestRefused("BAD_REQUEST", "A text holds a character that is not allowed.")
    return value


def _is_whole(text: str) -> bool:
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


_plans: OrderedDict[Any, Plan] = OrderedDict()


def plan_of(
    info: Any,
    build: Build,
    path: Sequence[str | int],
    selection: Selection | None = None,
    *,
    key: Any,
    permissions: frozenset[str],
) -> Plan:
    """The plan of a field, from graphql-core's resolve info; `key` tells builds at one path apart.

    Raises Forbidden and RequestRefused.
    """
    context: RequestContext = info.context
    operation = info.operation
    known_by = (
        operation.loc.source.body,
        operation.name.value if operation.name else None,
        tuple(path),
        context.subgraph,
        form(info.variable_values),
        permissions,
        key,
    )
    plan = _plans.get(known_by)
    if plan is None:
        compiler = Compiler(entities_of(context.subgraph), permissions)
        plan = compile_plan(compiler, selection or Selection.of(info), build)
        if len(_plans) >= _MOST_PLANS:
            _plans.popitem(last=False)
        _plans[known_by] = plan
    else:
        _plans.move_to_end(known_by)
    return plan


def compile_plan(compiler: Compiler, selection: Selection, build: Build) -> Plan:
    """Compiles one field. Raises Forbidden and RequestRefused."""
    value, member = build(compiler, selection)
    statement = value if isinstance(value, Select) else select(value.cast(Text))
    compiled = statement.compile(dialect=DIALECT)
    getters = compiler.parameters.getters
    ordered = [getters.get(name) or _constant(name, compiled.params[name]) for name in compiled.positiontup or ()]
    computed = member.shape.computed() if isinstance(member, Nested) else []
    return Plan(
        sql=str(compiled),
        getters=ordered,
        checks=compiler.parameters.checks,
        member=member,
        scope=compiler.scope(),
        computes=bool(computed),
        audits=any(each.declared.audited for each in computed),
    )


def _constant(name: str, value: Any) -> Getter:
    """A constant of a declaration. A value of a request would be kept for every later one, so it is refused."""
    if not isinstance(value, _FREE_OF_VALUES):
        raise TypeError(f"{name}: a declaration holds a value of a request: {type(value).__name__}")
    return lambda _: value


def request_of(
    context: RequestContext, reader: Actor, variables: Mapping[str, Any], values: Mapping[str, Any]
) -> Request:
    """What the request gives to statements that somebody reads; `values` are those that a resolver names."""
    return Request(reader, reader.tenant_id, context.today, context.clock(), variables, values, context.extras)


async def read(
    info: Any, build: Build, *, key: Any = None, reader: Actor | None = None, values: Mapping[str, Any] = _NONE
) -> Answer | None:
    """Reads a field under resolution: `info` is graphql-core's. None when there is nothing."""
    path, actor = info.path.as_list(), reader or info.context.signed_in
    plan = plan_of(info, build, path, key=key, permissions=actor.permissions)
    request = request_of(info.context, actor, info.variable_values, values)
    async with _rows(info.context, plan, request) as (rows, tx):
        return await _completed(info.context, plan.member, _text(rows), path, tx)


async def read_each(info: Any, build: Build, *, key: Any, values: Mapping[str, Any]) -> list[Answer]:
    """Reads a list, each of its objects as an answer of its own: what a subscription tells one after the other."""
    path, actor = info.path.as_list(), info.context.signed_in
    plan = plan_of(info, build, path, key=key, permissions=actor.permissions)
    request = request_of(info.context, actor, info.variable_values, values)
    assert isinstance(plan.member, Nested)
    member, told = replace(plan.member, many=False), []
    async with _rows(info.context, plan, request) as (rows, tx):
        for each in orjson.loads(_text(rows) or b"[]"):
            answer = await _completed(info.context, member, orjson.dumps(each), path, tx)
            assert answer is not None  # there was a text
            told.append(answer)
    return told


async def read_within(
    info: Any, tx: ReadTransaction, plan: Plan, path: Sequence[str | int], reader: Actor, **values: Any
) -> Answer | None:
    """Reads in an open transaction, with the reader's eyes."""
    request = request_of(info.context, reader, info.variable_values, values)
    async with tx.reading_as(_binding(plan, request)):
        rows = await tx.fetch(plan.sql, plan.values(request))
        return await _completed(info.context, plan.member, _text(rows), path, tx)


@asynccontextmanager
async def _rows(context: RequestContext, plan: Plan, request: Request) -> AsyncIterator[tuple[Rows, Any]]:
    """The rows of a statement; with the transaction they were read in where Python computes more of them."""
    binding, values = _binding(plan, request), plan.values(request)
    if not plan.computes:
        yield await context.database.fetch(binding, plan.sql, values), None
        return
    opened = context.database.write if plan.audits else context.database.read
    async with opened(binding) as tx:
        yield await tx.fetch(plan.sql, values), tx


def _binding(plan: Plan, request: Request) -> Binding:
    actor = request.actor
    return Binding(request.tenant_id, plan.scope, user_id=actor.user_id, student_ids=actor.student_ids)


def _text(rows: Rows) -> bytes | None:
    return rows[0] if rows else None


async def _completed(
    context: RequestContext, member: Member, text: bytes | None, path: Sequence[str | int], tx: ReadTransaction | None
) -> Answer | None:
    if text is None:
        return None
    if not member.needs_completion and MARK_BYTES not in text:
        return Answer(orjson.Fragment(text))
    completion = Completion(context, tx)
    value = await completion.run(orjson.loads(text), member, tuple(path))
    return Answer(None if value is None else orjson.Fragment(orjson.dumps(value, option=_MOMENTS)), completion.errors)


async def read_references(info: Any, wanted: Mapping[str, Mapping[int, str]], length: int) -> Answer:
    """The entities of a list of references: by type, position -> id, a UUID as text. One statement for each type.

    Null is what is absent or not visible; a type that the actor may not read is null with an error at each place.
    """
    path = info.path.as_list()
    texts: list[bytes] = [b"null"] * length
    errors: list[GraphQLError] = []
    for name, keys in wanted.items():
        try:
            found = await _read_type(info, name, keys, length, path)
        except DomainError as refused:
            at = ([*path, position] for position in keys)
            errors += (GraphQLError(refused.code, info.field_nodes, path=each, original_error=refused) for each in at)
            continue
        errors += found.errors
        for position, text in found.value.items():
            texts[position] = text
    return Answer(orjson.Fragment(b"[" + b",".join(texts) + b"]"), errors)


async def _read_type(info: Any, name: str, keys: Mapping[int, str], length: int, path: Sequence[str | int]) -> Answer:
    actor: Actor = info.context.signed_in
    plan = plan_of(info, partial(_references, name), path, key=name, permissions=actor.permissions)
    request = request_of(info.context, actor, info.variable_values, {"keys": list(keys.values())})
    async with _rows(info.context, plan, request) as (rows, tx):
        texts = {at: row for at, row in zip(keys, rows, strict=True) if row is not None}
        if not plan.member.needs_completion and not any(MARK_BYTES in text for text in texts.values()):
            return Answer(texts)
        completion = Completion(info.context, tx)
        parsed = [orjson.loads(texts[at]) if at in texts else None for at in range(length)]
        values = await completion.run(parsed, plan.member, tuple(path))
    return Answer({at: orjson.dumps(values[at], option=_MOMENTS) for at in texts}, completion.errors)


def _references(name: str, compiler: Compiler, selection: Selection) -> tuple[Select[Any], Member]:
    """The entities of the ids in `keys`, one row for each, null for what is not there; stubs exist for every id."""
    keys = compiler.parameters.add(ARRAY(Uuid), lambda request: f"{{{','.join(request.values['keys'])}}}")
    unnested = func.unnest(keys).table_valued(column("id", Uuid), with_ordinality="position")
    wanted = unnested.render_derived(name="wanted")
    entity = compiler.entities[name]
    if entity.source is None:
        compiler.reading(entity.resource)
        columns, shape = compiler.row_of(entity, StubRow({"id": wanted.c.id}, [wanted]), selection)
        found = as_objects(select(*columns).correlate(wanted)).scalar_subquery()
    else:
        rows = compiler.rows(name)
        at = rows.narrowed(rows.alias.c.id == wanted.c.id)
        found, shape = compiler.one(at, selection, correlated=[wanted])
    statement = select(found.cast(Text)).select_from(wanted).order_by(wanted.c.position)
    member = Nested(
        key="_entities",
        label="_entities",
        nodes=selection.nodes,
        non_null=True,
        shape=shape,
        many=True,
        rows=lambda request: len(request.values["keys"]),
        with_gaps=True,
    )
    return statement, member
