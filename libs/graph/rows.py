"""Rows and their JSON: the few forms of SQL that every statement of the engine is made of."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graphql import is_non_null_type
from sqlalchemy import JSON, ColumnElement, FromClause, Label, Select, case, func, literal_column, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from libs.graph.arguments import Request
from libs.graph.context import ReadContext
from libs.graph.selection import Selected
from libs.graph.shapes import HIDDEN, Nested, Shape

if TYPE_CHECKING:
    from libs.graph.entity import Entity

LONGEST_LIST: Final = 1_000  # rows of a list without pages
_LONGEST_LABEL: Final = 63  # bytes of an identifier in PostgreSQL
_LABEL: Final = re.compile(r"[_A-Za-z][_0-9A-Za-z]*|0[a-z0-9_]+")
_EMPTY: Final = literal_column("'{}'::json", JSON)
MISSING: Final = literal_column("""'{"!":null}'::json""", JSON)
TOO_BROAD: Final = literal_column("""'{"!":"QUERY_TOO_BROAD"}'::json""", JSON)


@dataclass(frozen=True, slots=True)
class StubRow:
    """The row of an entity that another subgraph owns: its id is an expression over a row of ours."""

    c: Mapping[str, ColumnElement[Any]]
    within: Sequence[FromClause]


class OuterColumn(ColumnElement[Any]):
    """A column of a row outside, to be named at any depth: it brings no FROM of its own, which correlation would need.

    Raises nothing itself; where no row outside has that column PostgreSQL refuses the statement.
    """

    inherit_cache = False

    def __init__(self, column: ColumnElement[Any]) -> None:
        self.column = column
        self.type = column.type


@compiles(OuterColumn)
def _outer(element: OuterColumn, compiler: SQLCompiler, **_: Any) -> str:
    return compiler.process(element.column)


Row = FromClause | StubRow
Built = tuple[list[Label[Any]], Shape]


def froms(row: Row) -> Sequence[FromClause]:
    """What a subquery about a row correlates with."""
    return row.within if isinstance(row, StubRow) else [row]


def labelled(value: ColumnElement[Any], label: str) -> Label[Any]:
    """A value under a key of the JSON; names of a document are letters, digits and underscores by its grammar."""
    if not _LABEL.fullmatch(label):
        raise ValueError(label)
    return value.label(label)


def objects(columns: Sequence[Label[Any]], source: FromClause | None = None) -> Select[Any]:
    """One JSON object per row of a source; without one, the columns are those of a row outside."""
    inner = select(*columns) if source is None else select(*columns).select_from(source)
    return as_objects(inner)


def as_objects(rows: Select[Any]) -> Select[Any]:
    """One JSON object per row; an empty one where everything that is selected is skipped."""
    if not rows.selected_columns:
        return select(_EMPTY).select_from(rows.add_columns(literal_column("1").label("none")).subquery())
    each = rows.subquery()
    return select(func.row_to_json(each.table_valued(), type_=JSON)).select_from(each)


def array(rows: Select[Any]) -> ColumnElement[Any]:
    """A JSON array of the rows' only column, in their order."""
    return func.array_to_json(func.array(rows.scalar_subquery()), type_=JSON)


def at_most(most: int, rows: Select[Any]) -> ColumnElement[Any]:
    """A JSON array of the rows' only column, or a mark instead when there are more of them."""
    # LIMIT keeps PostgreSQL from pulling the subquery up, which would make the array for each mention: twice.
    made = select(func.array(rows.scalar_subquery()).label("found")).limit(literal_column("1")).subquery()
    fits = func.cardinality(made.c.found) <= literal_column(str(most))
    return select(case((fits, func.array_to_json(made.c.found)), else_=TOO_BROAD)).scalar_subquery()


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a type under conditions: `alias` is the type's own, `source` what stands in FROM."""

    entity: "Entity"
    context: ReadContext
    alias: FromClause
    source: FromClause
    where: Sequence[ColumnElement[bool]]

    def narrowed(self, *conditions: ColumnElement[bool]) -> "Rows":
        """The same under further conditions."""
        return Rows(self.entity, self.context, self.alias, self.source, [*self.where, *conditions])


def label_for(key: str, position: int) -> str:
    """The label of a response key: itself, unless PostgreSQL would cut it."""
    return key if len(key) <= _LONGEST_LABEL else f"{HIDDEN}k{position}"


def object_of(selected: Selected, label: str, shape: Shape) -> Nested:
    """The member of a field that gives one object."""
    return _nested(selected, label, shape, many=False, rows=lambda _: 1)


def list_of(selected: Selected, label: str, shape: Shape, rows: Callable[[Request], int]) -> Nested:
    """The member of a field that gives a list, `rows` long at most."""
    return _nested(selected, label, shape, many=True, rows=rows)


def _nested(selected: Selected, label: str, shape: Shape, *, many: bool, rows: Callable[[Request], int]) -> Nested:
    assert selected.definition is not None
    return Nested(
        key=selected.key,
        label=label,
        nodes=selected.below.nodes,
        non_null=is_non_null_type(selected.definition.type),
        shape=shape,
        many=many,
        rows=rows,
    )
