"""Rows one by one: what a request may see of a declared type, each query bound to the reach over that type alone.

Nothing here is shared with the engine: relations, filters, orders and pages are said again, in the plainest way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Connection,
    Date,
    DateTime,
    FromClause,
    Select,
    Uuid,
    and_,
    exists,
    literal,
    or_,
    select,
    text,
)

from libs.auth import Actor, Reach
from libs.graph import ReadContext, RequestRefused
from libs.graph.entity import Entity, entity_named
from libs.graph.fields import ColumnField, Relation
from libs.kernel import Forbidden, Scope

CURSOR: Final = "row:"
"""What the reference's cursors begin with; the id of the row follows."""
_DEFAULT_PAGE, _LARGEST_PAGE, _LONGEST_LIST = 20, 100, 1_000
_BIND = text(
    "select set_config('app.tenant_id', :a, true), set_config('app.scope', :b, true), "
    "set_config('app.user_id', :c, true), set_config('app.student_ids', :d, true)"
)


@dataclass(frozen=True)
class Found:
    """A row of a declared type, as somebody sees it."""

    entity: Entity
    values: Mapping[str, Any]
    reading: "Reading"


@dataclass(frozen=True)
class Reading:
    """One request: who asks, when, and the connection that its queries run on."""

    subgraph: str
    connection: Connection
    actor: Actor
    today: date
    now: datetime
    extras: Any = None

    def entity(self, name: str) -> Entity:
        return entity_named(self.subgraph, name)

    def context(self, resource: str) -> ReadContext:
        """What the declarations may depend on. Raises Forbidden without reach."""
        actor = self.actor
        ways = ((Reach.ALL, "read"), (Reach.TAUGHT, "read_taught"), (Reach.OWN, "read_own"))
        reach = next((reach for reach, way in ways if f"{resource}:{way}" in actor.permissions), None)
        if reach is None:
            raise Forbidden
        return ReadContext(
            reach=reach,
            keeps_own=f"{resource}:read_own" in actor.permissions,
            permissions=actor.permissions,
            tenant_id=literal(actor.tenant_id, Uuid()),
            user_id=literal(actor.user_id, Uuid()),
            student_ids=literal(list(actor.student_ids), ARRAY(Uuid())),
            today=literal(self.today, Date()),
            now=literal(self.now, DateTime(timezone=True)),
        )

    def rows_of(self, name: str) -> "Rows":
        """All rows of a type that exist for the actor. Raises Forbidden without reach."""
        entity = self.entity(name)
        context = self.context(entity.resource)
        assert entity.source is not None
        alias = entity.source.alias()
        conditions = []
        if "tenant_id" in alias.c:
            conditions.append(alias.c.tenant_id == self.actor.tenant_id)
        if entity.visible is not None and context.reach is not Reach.ALL:
            conditions.append(entity.visible(alias, context))
        return Rows(self, entity, context, alias, conditions)

    def related(self, found: Found, name: str, relation: Relation) -> "Rows":
        """The rows of a relation; `name` is that of the field in Python. Raises Forbidden without reach."""
        rows = self.rows_of(relation.target)
        local = found.values[relation.local or f"{name.rstrip('_')}_id"]
        if local is None:
            return rows.where(literal(False))
        remote = rows.alias.c[relation.remote]
        if relation.through is None:
            return rows.where(remote == local)
        link = relation.through(rows.context).alias()
        return rows.where(remote.in_(select(link.c.target_id).where(link.c.source_id == local)))

    def only(self, name: str, *, where: Callable[[FromClause], Sequence[Any]] = lambda _: (), **columns: Any) -> Any:
        """The one row with these column values; nothing is asked where nothing is given."""
        given = {column: value for column, value in columns.items() if value is not None}
        if columns and not given:
            return None
        rows = self.rows_of(name)
        return rows.where(*(rows.alias.c[key] == value for key, value in given.items()), *where(rows.alias)).first()

    def run(self, statement: Select[Any], reach: Reach) -> Sequence[Mapping[str, Any]]:
        """Rows as row-level security shows them within that reach."""
        actor, scope = self.actor, Scope.OWN if reach is Reach.OWN else Scope.TENANT
        pupils = ",".join(map(str, actor.student_ids))
        bound = {"a": actor.tenant_id, "b": scope, "c": actor.user_id, "d": f"{{{pupils}}}"}
        self.connection.execute(_BIND, {name: str(value) for name, value in bound.items()})
        return self.connection.execute(statement).mappings().all()


@dataclass(frozen=True)
class Rows:
    """Rows of a type under conditions."""

    reading: Reading
    entity: Entity
    context: ReadContext
    alias: FromClause
    conditions: Sequence[Any]

    def where(self, *conditions: Any) -> "Rows":
        """The same under further conditions."""
        return Rows(self.reading, self.entity, self.context, self.alias, [*self.conditions, *conditions])

    def first(self) -> Found | None:
        """The one there may be."""
        found = self.all()
        assert len(found) <= 1, f"{self.entity.name}: {len(found)} rows where one is asked for"
        return found[0] if found else None

    def all(self, order: str = "id", *, also: UUID | None = None, most: int | None = None) -> list[Found]:
        """Every row in order; `also` one more row by its id, marked as not `listed` unless it is."""
        alias = self.alias
        listed = and_(literal(True), *self.conditions)
        columns = [column.label(name) for name, column in alias.c.items()]
        for name, declared in self.entity.fields.items():
            if isinstance(declared.field, ColumnField) and declared.field.of is not None:
                columns.append(declared.field.of(alias).label(f"{name} ()"))
        statement = select(*columns, listed.label("listed")).select_from(alias)
        statement = statement.where(listed if also is None else or_(listed, alias.c.id == also))
        for name, down in terms(order):
            statement = statement.order_by(alias.c[name].desc() if down else alias.c[name].asc())
        found = self.reading.run(statement, self.context.reach)
        if most is not None and len(found) > most:
            raise RequestRefused("QUERY_TOO_BROAD", "")
        return [Found(self.entity, row, self.reading) for row in found]

    def list(self, order: str, most: int = _LONGEST_LIST) -> list[Found]:
        """A list without pages."""
        return self.all(order, most=most)

    def ids(self, condition: Any) -> set[UUID]:
        """The ids of those for which a condition of a declaration holds."""
        statement = select(self.alias.c.id).where(*self.conditions, condition)
        return {row["id"] for row in self.reading.run(statement, self.context.reach)}


def terms(order: str) -> list[tuple[str, bool]]:
    """Column and whether it descends, for each term; id comes last unless it is named."""
    named = [(term.split()[0], term.endswith(" desc")) for term in order.split(",")]
    return named if "id" in [name for name, _ in named] else [*named, ("id", False)]


class Page:
    """One connection: the whole list is read, then cut in Python."""

    def __init__(self, rows: Rows, arguments: Mapping[str, Any], order: str) -> None:
        given = {name: value for name, value in arguments.items() if value is not None}
        backward = "last" in given
        if {"first", "last"} <= given.keys() or (("after" in given) if backward else ("before" in given)):
            raise RequestRefused("BAD_REQUEST", "")
        size = given.get("last" if backward else "first", _DEFAULT_PAGE)
        if size < 0:
            raise RequestRefused("BAD_REQUEST", "")
        if size > _LARGEST_PAGE:
            raise RequestRefused("PAGE_TOO_LARGE", "")
        cursor = given.get("before" if backward else "after")
        also = None if cursor is None else UUID(cursor.removeprefix(CURSOR))
        order = ",".join(str(each) for each in given.get("orderBy") or [order])
        ordered = rows.all(order, also=also)
        holds = holding(rows, given.get("filter") or {})
        self.rows = [row for row in ordered if row.values["listed"] and holds(row)]
        self.entity, self.backward, self.goes_on = rows.entity, backward, also is not None
        beyond = self.rows
        if also is not None:
            (at,) = (at for at, row in enumerate(ordered) if row.values["id"] == also)
            side = {id(row) for row in (ordered[:at] if backward else ordered[at + 1 :])}
            beyond = [row for row in self.rows if id(row) in side]
        self.has_more = len(beyond) > size
        self.nodes = beyond[max(0, len(beyond) - size) :] if backward else beyond[:size]

    def page_info(self) -> dict[str, Any]:
        """Where the page stands: beyond its far end it has looked, on the near one it knows its cursor alone."""
        cursors = [cursor_of(row) for row in self.nodes] or [None]
        following, preceding = (self.goes_on, self.has_more) if self.backward else (self.has_more, self.goes_on)
        return {
            "hasNextPage": following,
            "hasPreviousPage": preceding,
            "startCursor": cursors[0],
            "endCursor": cursors[-1],
        }


def cursor_of(row: Found) -> str:
    """The reference's own cursor of a row."""
    return f"{CURSOR}{row.values['id']}"


def holding(rows: Rows, given: Mapping[str, Any]) -> Callable[[Found], bool]:
    """Whether all that a filter input says holds of a row; what is null in a row equals nothing and has no rank.

    Raises Forbidden for what asks about rows, or names a field, that the actor may not read.
    """
    for name, value in given.items():
        declared = rows.entity.fields.get(name)
        needed = getattr(declared.field, "permission", None) if declared and value is not None else None
        if needed is not None and needed not in rows.reading.actor.permissions:
            raise Forbidden
        condition = rows.entity.conditions.get(name)
        if value and condition and condition.resource and not rows.context.may_read(condition.resource):
            raise Forbidden
        if value and condition and condition.permission and condition.permission not in rows.reading.actor.permissions:
            raise Forbidden
        for part in value if name in ("and", "or") and value else [value] if name == "not" and value else ():
            holding(rows, part)
    return lambda row: all(_holds(rows, row, name, value) for name, value in given.items() if value is not None)


def _holds(rows: Rows, row: Found, name: str, value: Any) -> bool:
    match name:
        case "and":
            return all(holding(rows, each)(row) for each in value)
        case "or":
            return any(holding(rows, each)(row) for each in value)
        case "not":
            return not holding(rows, value)(row)
        case "search" | "nameStartsWith":
            return _is_found(rows, row, name, value)
    comparisons = {kind: each for kind, each in value.items() if each is not None}
    if name in rows.entity.conditions:
        condition = rows.entity.conditions[name].build(rows.alias, Comparisons(comparisons, rows.reading), rows.context)
        return row.values["id"] in rows.ids(condition)
    return all(_compares(row.values[rows.entity.fields[name].name], kind, each) for kind, each in comparisons.items())


def _compares(held: Any, kind: str, given: Any) -> bool:
    match kind:
        case "isNull":
            return (held is None) == given
        case "eq":
            return bool(held == given)
        case "ne":
            return bool(held != given)
        case "in":
            return held in given
    ranks = {"lt": lambda: held < given, "lte": lambda: held <= given, "gt": lambda: held > given}
    return held is not None and bool(ranks.get(kind, lambda: held >= given)())


def _is_found(rows: Rows, row: Found, way: str, words: str) -> bool:
    if way == "nameStartsWith":
        return bool(row.values["name"].lower().startswith(words.lower()))
    table, owner, split = rows.entity.search
    mine = (table.c.tenant_id == rows.reading.actor.tenant_id) & (table.c[owner] == row.values["id"])
    found = rows.reading.run(select(table.c.token).where(mine), rows.context.reach)
    tokens = [each["token"] for each in found]
    return all(any(token.startswith(word) for token in tokens) for word in split(words))


@dataclass(frozen=True)
class Comparisons:
    """What the conditions of a declaration are built with: comparisons over an expression, or over related rows."""

    given: Mapping[str, Any]
    reading: Reading

    def equals_made(self, left: Any, make: Any) -> Any:
        """The value as the request makes it."""
        request = SimpleNamespace(tenant_id=self.reading.actor.tenant_id, extras=self.reading.extras)
        return literal(True) if "eq" not in self.given else left == make(request, self.given["eq"])

    def holds(self, left: Any) -> Any:
        return and_(literal(True), *(self._one(left, kind, value) for kind, value in self.given.items()))

    def holds_for_any(self, values: Select[Any]) -> Any:
        """One of the values is equal; with `ne` none of them is, with `isNull` there is none."""
        (left,) = values.selected_columns
        found = []
        for kind, value in self.given.items():
            match kind:
                case "isNull":
                    found.append(~exists(values.subquery().select()) if value else exists(values.subquery().select()))
                case "ne":
                    found.append(~values.where(left == value).exists())
                case _:
                    found.append(values.where(self._one(left, kind, value)).exists())
        return and_(literal(True), *found)

    def _one(self, left: Any, kind: str, value: Any) -> Any:
        match kind:
            case "isNull":
                return left.is_(None) if value else left.is_not(None)
            case "in":
                return and_(left.is_not(None), left.in_(value))
            case "eq":
                return and_(left.is_not(None), left == value)
        assert kind == "ne", f"no condition compares by {kind}"
        return or_(left.is_(None), left != value)
