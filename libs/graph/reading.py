"""The plain reads behind the declarations: one batched statement per level, each in a transaction of its own.

Thin on purpose: the declarations (fields.py) are what stays, this way of reading them is what can be exchanged.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, FromClause, RowMapping, Select, Uuid, bindparam, column, func, select, true

from libs.graph.context import Info, ReadContext, RequestContext
from libs.graph.fields import ComputedField, Relation
from libs.graph.filters import filter_sql
from libs.graph.paging import Connection, Window
from libs.kernel import Forbidden

if TYPE_CHECKING:
    from libs.graph.entity import Entity

_PARENT = "_parent"


async def fetch(context: RequestContext, entity: "Entity", statement: Select[Any]) -> Sequence[RowMapping]:
    """Runs a statement about an entity within the actor's reach over it."""
    binding = context.signed_in.binding(entity.resource)
    async with context.database.read(binding) as tx:
        return (await tx.execute(statement)).mappings().all()


def _joined(
    relation: Relation, alias: FromClause, statement: Select[Any], reading: ReadContext
) -> tuple[ColumnElement[Any], Select[Any]]:
    """The column that equals the parent's `local`, and the statement with the link joined where there is one."""
    if relation.through is None:
        return alias.c[relation.remote], statement
    link = relation.through(reading).alias()
    return link.c.source_id, statement.join_from(alias, link, link.c.target_id == alias.c[relation.remote])


def _ordered(statement: Select[Any], order: str) -> Select[Any]:
    columns = statement.selected_columns
    terms = [term.strip().partition(" ") for term in order.split(",")]
    return statement.order_by(*(columns[name].desc() if way == "desc" else columns[name] for name, _, way in terms))


async def read_many(context: RequestContext, entity: "Entity", relation: Relation, key: UUID | None) -> list[Any]:
    """The related rows of one parent; all parents of a turn share one statement."""
    if key is None:
        return []

    async def load(keys: list[UUID]) -> list[list[Any]]:
        parent, statement = _related(context, entity, relation)
        statement = _ordered(statement, relation.order).add_columns(parent.label(_PARENT)).where(parent.in_(keys))
        return _by_parent(entity, keys, await fetch(context, entity, statement))

    rows: list[Any] = await context.loader(("many", relation), load).load(key)
    return rows


async def read_one(context: RequestContext, entity: "Entity", relation: Relation, key: UUID | None) -> Any:
    """The related row of one parent, or None."""
    rows = await read_many(context, entity, relation, key)
    return rows[0] if rows else None


async def read_count(context: RequestContext, entity: "Entity", relation: Relation, key: UUID | None) -> int:
    """How many related rows one parent has."""

    async def load(keys: list[UUID]) -> list[int]:
        return await _counted(context, entity, relation, None, keys)

    counted: int = await context.loader(("count", relation), load).load(key)
    return counted


async def read_connection(
    info: Info, entity: "Entity", relation: Relation, arguments: dict[str, Any], root: Any
) -> Connection[Any]:
    """A page of the related rows of one parent; parents of a turn with the same arguments share one statement."""
    context = info.context
    window = Window.of(entity, arguments, relation.order)
    given = arguments.get("filter")
    # Aliases of one field may differ in their arguments, so these are part of what a batch shares.
    shared = ("page", relation, repr(sorted((name, repr(value)) for name, value in arguments.items())))

    async def load(keys: list[UUID]) -> list[list[Any]]:
        parent, statement = _related(context, entity, relation, given)
        unnested = func.unnest(bindparam("keys", keys, type_=ARRAY(Uuid)))
        wanted = unnested.table_valued(column("key", Uuid)).render_derived(name="wanted")
        columns = dict(statement.selected_columns.items())
        inner = window.apply(statement.where(parent == wanted.c.key), columns).correlate(wanted).lateral("page")
        pages = select(wanted.c.key.label(_PARENT), inner).join_from(wanted, inner, true())
        return _by_parent(entity, keys, await fetch(context, entity, pages))

    async def count_all(keys: list[UUID]) -> list[int]:
        return await _counted(context, entity, relation, given, keys)

    key = getattr(root, relation.local)
    rows = await context.loader(shared, load).load(key)

    async def count() -> int:
        counted: int = await context.loader(("total", *shared), count_all).load(key)
        return counted

    return Connection(page=window.page(list(rows), count))


def _related(
    context: RequestContext, entity: "Entity", relation: Relation, given: Any = None
) -> tuple[ColumnElement[Any], Select[Any]]:
    """The column that equals the parents' `local`, and the filtered rows of a relation."""
    reading = context.reading(entity.resource)
    alias, statement = entity.rows(reading)
    parent, statement = _joined(relation, alias, statement, reading)
    if given is not None:
        statement = statement.where(*filter_sql(given, alias, entity.columns, entity.conditions, reading))
    return parent, statement


def _by_parent(entity: "Entity", keys: list[UUID], rows: Sequence[RowMapping]) -> list[list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        found[row[_PARENT]].append(entity.make(row))
    return [found[key] for key in keys]


async def _counted(
    context: RequestContext, entity: "Entity", relation: Relation, given: Any, keys: list[UUID]
) -> list[int]:
    parent, statement = _related(context, entity, relation, given)
    statement = statement.with_only_columns(parent.label(_PARENT), func.count().label("found"))
    rows = await fetch(context, entity, statement.where(parent.in_(keys)).group_by(parent))
    found = {row[_PARENT]: row["found"] for row in rows}
    return [found.get(key, 0) for key in keys]


async def read_root_page(
    info: Info, entity: "Entity", arguments: dict[str, Any], order: str, conditions: Callable[..., Any] | None = None
) -> Connection[Any]:
    """A page of all rows of a type that exist for the actor."""
    context = info.context
    reading = context.reading(entity.resource)
    window = Window.of(entity, arguments, order)
    alias, statement = entity.rows(reading)
    if arguments.get("filter") is not None:
        statement = statement.where(*filter_sql(arguments["filter"], alias, entity.columns, entity.conditions, reading))
    if conditions is not None:
        statement = statement.where(*conditions(alias))
    rows = await fetch(context, entity, window.apply(statement, dict(statement.selected_columns.items())))

    async def count() -> int:
        counting = select(func.count().label("found")).select_from(statement.order_by(None).subquery())
        return int((await fetch(context, entity, counting))[0]["found"])

    return Connection(page=window.page([entity.make(row) for row in rows], count))


async def read_computed(
    context: RequestContext, entity: "Entity", name: str, declared: ComputedField, root: Any
) -> Any:
    """A computed value of one row; all rows of a turn are one batch.

    Raises Forbidden where the actor may not read the field of this row.
    """
    actor = context.signed_in
    allowed = declared.permission is None or actor.may(declared.permission)
    if not allowed and (declared.own is None or getattr(root, declared.own) != actor.user_id):
        raise Forbidden
    rows: dict[UUID, Any] = context.computed_rows[entity.name, name]
    rows[root.id] = root

    async def load(keys: list[UUID]) -> list[Any]:
        return list(await declared.batch(context, [rows[key] for key in keys]))

    return await context.loader(("computed", entity.name, name), load).load(root.id)


async def read_references(context: RequestContext, entity: "Entity", keys: Sequence[UUID]) -> list[Any]:
    """The entities of these ids in order, None where one is absent or not visible; stubs exist for every id."""
    if entity.source is None:
        context.reading(entity.resource)
        return [entity.make({"id": key}) for key in keys]  # type: ignore[arg-type]
    alias, statement = entity.rows(context.reading(entity.resource))
    rows = await fetch(context, entity, statement.where(alias.c.id.in_(keys)))
    found = {row["id"]: entity.make(row) for row in rows}
    return [found.get(key) for key in keys]
