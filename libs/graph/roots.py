"""Root fields: a page of all, one by its identity, or all of a short list."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import strawberry
from graphql import is_non_null_type
from sqlalchemy import ColumnElement, FromClause, Uuid
from sqlalchemy.types import TypeEngine

from libs.auth import Actor
from libs.graph.aggregates import Figures, aggregate_arguments, aggregates_of
from libs.graph.compiler import Compiler
from libs.graph.context import Info, ReadContext
from libs.graph.entity import Entity, entity_named, subgraph_of
from libs.graph.fields import GROUPS, LIST_SIZE, assumed_size
from libs.graph.pages import Page
from libs.graph.paging import paging_arguments
from libs.graph.reading import read, read_each
from libs.graph.rows import LONGEST_LIST, Rows
from libs.graph.selection import Selection
from libs.graph.shapes import Member, Nested, Shape
from libs.kernel import Forbidden

Where = Callable[..., Sequence[ColumnElement[bool]]]
"""Conditions of a root field: `where(row, context, **values)`, each value a parameter, or None when it is not given."""


Unless = tuple[str, Callable[[FromClause, ReadContext], ColumnElement[bool]]]


def root_connection(
    target: type,
    description: str,
    *,
    order: str = "id",
    permission: str | None = None,
    unless_filtered: Unless | None = None,
) -> Any:
    """A root field over all rows of a declared type that exist for the actor. `order` when the client says none.

    `permission` is needed beside that of the type. `unless_filtered` is a condition that holds as long as the filter
    says nothing, at its top level, of the field it names.
    """
    declared = entity_named(subgraph_of(target), target.__name__)

    def build(compiler: Compiler, selection: Selection) -> tuple[ColumnElement[Any], Member]:
        arguments = selection.arguments(selection.definition)
        rows = _admitted(compiler, declared, arguments, permission, unless_filtered)
        value, shape = Page(compiler, rows, arguments, order).compile(selection)
        return value, _root(selection, shape)

    async def page(  # noqa: PLR0917 - one for each argument of the graph
        info: Info,
        filter: Any = None,  # noqa: ARG001 - arguments are read off the document
        order_by: Any = None,  # noqa: ARG001
        first: Any = None,  # noqa: ARG001
        after: Any = None,  # noqa: ARG001
        last: Any = None,  # noqa: ARG001
        before: Any = None,  # noqa: ARG001
    ) -> Any:
        return await read(resolving(info), build)

    field = strawberry.federation.field(
        resolver=page, description=description, directives=[LIST_SIZE], metadata={"permission": permission}
    )
    field.arguments = paging_arguments(declared.filter_type, declared.order_type)
    return field


def root_aggregates(
    target: type,
    description: str,
    *,
    permission: str | None = None,
    unless_filtered: Unless | None = None,
) -> Any:
    """A root field of figures over all rows of a declared type that exist for the actor; see root_connection."""
    declared = entity_named(subgraph_of(target), target.__name__)

    def build(compiler: Compiler, selection: Selection) -> tuple[ColumnElement[Any], Member]:
        arguments = selection.arguments(selection.definition)
        rows = _admitted(compiler, declared, arguments, permission, unless_filtered)
        value, shape = Figures(compiler, rows, arguments).compile(selection)
        return value, _root(selection, shape, many=True)

    async def figures(info: Info, filter: Any = None, group_by: Any = None) -> Any:  # noqa: ARG001 - as above
        return await read(resolving(info), build)

    figures.__annotations__["return"] = aggregates_of(declared.name, target.__module__)
    directives = [assumed_size(GROUPS)]
    field = strawberry.federation.field(
        resolver=figures, description=description, directives=directives, metadata={"permission": permission}
    )
    field.arguments = aggregate_arguments(declared.filter_type, declared.group_type)
    return field


def _admitted(
    compiler: Compiler,
    declared: Entity,
    arguments: Mapping[str, Any],
    permission: str | None,
    unless_filtered: Unless | None,
) -> Rows:
    """All rows of a type for a root field. Raises Forbidden."""
    if permission is not None and permission not in compiler.permissions:
        raise Forbidden
    rows = compiler.rows(declared.name)
    if unless_filtered is not None and (arguments.get("filter") or {}).get(unless_filtered[0]) is None:
        rows = rows.narrowed(unless_filtered[1](rows.alias, rows.context))
    return rows


def resolving(info: Info) -> Any:
    """graphql-core's own resolve info: fragments stand nowhere else."""
    return info._raw_info  # noqa: SLF001


async def find_one(
    info: Info, target: type, where: Where | None = None, *, reader: Actor | None = None, **columns: Any
) -> Any:
    """The one row with these column values (None: not asked for), or None when there is none for the actor.

    Without any value nothing is asked, hence None. `where` adds conditions: `where(row, context)`. `reader` reads in
    place of the actor, where nobody needs to be signed in.
    """
    given = {name: value for name, value in columns.items() if value is not None}
    if not given and where is None:
        return None
    build = partial(_one, entity_named(info.context.subgraph, target.__name__), where, tuple(given))
    return await read(resolving(info), build, key=(where, *given), reader=reader, values=given)


def _one(
    entity: Entity, where: Where | None, given: Sequence[str], compiler: Compiler, selection: Selection
) -> tuple[ColumnElement[Any], Member]:
    rows = compiler.rows(entity.name)
    values = {name: _value(compiler, name, rows.alias.c[name].type) for name in given}
    rows = rows.narrowed(*(rows.alias.c[name] == value for name, value in values.items()))
    if where is not None:
        rows = rows.narrowed(*where(rows.alias, rows.context))
    value, shape = compiler.one(rows, selection)
    return value, _root(selection, shape)


async def find_all(
    info: Info,
    target: type,
    where: Where,
    *,
    order: str,
    most: int = LONGEST_LIST,
    reader: Actor | None = None,
    **values: UUID | None,
) -> Any:
    """The rows of a list without pages that exist for the actor, at most `most`, in `order` ("name", "start_date desc")

    `where(row, context, **values)` gets each value as a parameter, or None where it is not given. `reader` reads in
    place of the actor, where nobody needs to be signed in.
    """
    given = {name: value for name, value in values.items() if value is not None}
    asked = _Asked(entity_named(info.context.subgraph, target.__name__), where, order, most)
    build = partial(_all, asked, {name: name in given for name in values})
    return await read(resolving(info), build, key=(where, *given), reader=reader, values=given)


@dataclass(frozen=True, slots=True)
class _Asked:
    entity: Entity
    where: Where
    order: str
    most: int


def _all(
    asked: _Asked, given: Mapping[str, bool], compiler: Compiler, selection: Selection
) -> tuple[ColumnElement[Any], Member]:
    rows = compiler.rows(asked.entity.name)
    values = {name: _value(compiler, name, Uuid()) if is_given else None for name, is_given in given.items()}
    rows = rows.narrowed(*asked.where(rows.alias, rows.context, **values))
    value, shape = compiler.many(rows, selection, asked.order, most=asked.most)
    return value, _root(selection, shape, many=True)


async def find_each(info: Info, target: type, *, order: str, **columns: Any) -> list[Any]:
    """The rows with these column values that exist for the actor, each as an answer of its own: see read_each."""
    build = partial(_with_values, entity_named(info.context.subgraph, target.__name__), order, tuple(columns))
    return await read_each(resolving(info), build, key=tuple(columns), values=columns)


def _with_values(
    entity: Entity, order: str, given: Sequence[str], compiler: Compiler, selection: Selection
) -> tuple[ColumnElement[Any], Member]:
    rows = compiler.rows(entity.name)
    row = rows.alias.c
    rows = rows.narrowed(*(row[name] == _value(compiler, name, row[name].type) for name in given))
    value, shape = compiler.many(rows, selection, order)
    return value, _root(selection, shape, many=True)


def _value(compiler: Compiler, name: str, kind: TypeEngine[Any]) -> ColumnElement[Any]:
    return compiler.parameters.add(kind, lambda request: request.values[name])


def _root(selection: Selection, shape: Shape, *, many: bool = False) -> Nested:
    key, definition = selection.nodes[0].name.value, selection.definition
    return Nested(
        key=key,
        label=key,
        nodes=selection.nodes,
        non_null=is_non_null_type(definition.type),
        shape=shape,
        many=many,
        rows=lambda _: 1,
    )
