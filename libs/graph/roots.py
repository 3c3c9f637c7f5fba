"""Root fields: a page of all, one by its identity, or all of a short list."""

from collections.abc import Callable, Sequence
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, FromClause

from libs.graph.context import Info
from libs.graph.entity import Entity, entity_named, subgraph_of
from libs.graph.fields import LIST_SIZE
from libs.graph.paging import with_paging_arguments
from libs.graph.reading import fetch, read_root_page

Where = Callable[[FromClause], Sequence[ColumnElement[bool]]]


def root_connection(target: type, description: str, *, order: str = "id") -> Any:
    """A root field over all rows of a declared type that exist for the actor. `order` when the client says none."""
    declared = entity_named(subgraph_of(target), target.__name__)

    async def page(_root: Any, info: Info, arguments: dict[str, Any]) -> Any:
        return await read_root_page(info, declared, arguments, order)

    resolver = with_paging_arguments(page, declared.filter_type, declared.order_type)
    return strawberry.federation.field(resolver=resolver, description=description, directives=[LIST_SIZE])


def _entity(info: Info, target: str | type) -> Entity:
    return entity_named(info.context.subgraph, target if isinstance(target, str) else target.__name__)


async def find_one(info: Info, target: str | type, where: Where | None = None, **columns: Any) -> Any:
    """The one row with these column values (None: not asked for), or None when there is none for the actor.

    Without any value nothing is asked, hence None.
    """
    given = {name: value for name, value in columns.items() if value is not None}
    if not given and where is None:
        return None
    declared = _entity(info, target)
    alias, statement = declared.rows(info.context.reading(declared.resource))
    statement = statement.where(*(alias.c[name] == value for name, value in given.items()))
    if where is not None:
        statement = statement.where(*where(alias))
    rows = await fetch(info.context, declared, statement.limit(1))
    return declared.make(rows[0]) if rows else None


async def find_all(info: Info, target: str | type, where: Where | None = None, *, order: str, limit: int = 500) -> Any:
    """The rows of a short list that exist for the actor, at most `limit`, in `order` ("name", "start_date desc")."""
    declared = _entity(info, target)
    alias, statement = declared.rows(info.context.reading(declared.resource))
    if where is not None:
        statement = statement.where(*where(alias))
    columns = statement.selected_columns
    terms = [term.strip().partition(" ") for term in order.split(",")]
    ordered = statement.order_by(*(columns[name].desc() if way == "desc" else columns[name] for name, _, way in terms))
    return [declared.make(row) for row in await fetch(info.context, declared, ordered.limit(limit))]
