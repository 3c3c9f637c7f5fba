"""Connections in SQL: the page once, and from it nodes, edges, cursors and what lies around it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    ARRAY,
    JSON,
    ColumnElement,
    FromClause,
    Label,
    Select,
    Text,
    case,
    false,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from libs.graph.fields import graph_name
from libs.graph.paging import Window
from libs.graph.predicates import Predicates, filtered
from libs.graph.rows import TOO_BROAD, Rows, array, as_objects, label_for, labelled, list_of, object_of
from libs.graph.selection import Selected, Selection
from libs.graph.shapes import Leaf, Nested, Shape

if TYPE_CHECKING:
    from libs.graph.compiler import Compiler

MOST_EXAMINED: Final = 250_000
"""Rows looked at for one list where no index serves the filter; past it the client must narrow it."""
_EMPTY: Final = literal_column("'[]'::json", JSON)
_POSITION: Final = "position"
_CURSOR: Final = "cursor"


class Page:
    """One connection: `rows` under the filter, order and window of its arguments."""

    def __init__(
        self,
        compiler: "Compiler",
        rows: Rows,
        arguments: Mapping[str, Any],
        order: str,
        correlated: Sequence[FromClause] = (),
    ) -> None:
        self._compiler = compiler
        self._rows = rows
        self._filter = arguments.get("filter")
        self._window = Window.of(rows.entity, arguments, order, compiler.parameters)
        self._correlated = correlated
        for name, _ in self._window.terms:
            if graph_name(name) in rows.entity.fields:
                rows.entity.usable(graph_name(name), compiler.permissions)

    def compile(self, selection: Selection) -> tuple[ColumnElement[Any], Shape]:
        """The connection's JSON as a scalar subquery, and its shape."""
        entity = self._rows.entity
        selected = list(selection.fields(f"{entity.name}Connection"))
        names = {each.name for each in selected}
        needs_page = {"edges", "pageInfo"} & names
        if not needs_page and "nodes" not in names:
            self._compiler.parameters.checks.append(self._window.check)
        predicates = self._predicates(self._rows)
        built, shape = self._around(selected, predicates) if needs_page else self._plain(selected, predicates)
        if predicates.examined:
            is_broad = self._looked_at(predicates) > MOST_EXAMINED
            found = as_objects(built).scalar_subquery()
            return select(case((is_broad, TOO_BROAD), else_=found)).scalar_subquery(), shape
        return as_objects(built).scalar_subquery(), shape

    def _predicates(self, rows: Rows) -> Predicates:
        return filtered(rows.entity, rows.alias, self._filter, self._compiler.parameters, rows.context)

    def _page(self, predicates: Predicates, *, more: bool) -> FromClause:
        """The rows of the page in the order of fetching; their position counts from there."""
        rows, window = self._rows, self._window
        found = select(rows.alias).select_from(rows.source).where(*rows.where, *predicates.indexed)
        found = found.where(*predicates.examined, *window.beyond(rows.alias.c))
        order = window.order(rows.alias.c)
        if more or window.backward:
            found = found.add_columns(func.row_number().over(order_by=order).label(_POSITION))
        return found.order_by(*order).limit(window.limit(more=more)).correlate(*self._correlated).subquery()

    def _plain(self, selected: Sequence[Selected], predicates: Predicates) -> tuple[Select[Any], Shape]:
        """Without cursors and page information each member is its own small query."""
        shape, members = Shape(), list[Label[Any]]()
        for each in selected:
            label, nodes = label_for(each.key, len(members)), each.below.nodes
            if each.name == "nodes":
                page = self._page(predicates, more=False)
                columns, inner = self._compiler.row_of(self._rows.entity, page, each.below)
                nodes_of = select(*columns).select_from(page)
                if self._window.backward:
                    nodes_of = nodes_of.order_by(page.c[_POSITION].desc())
                members.append(labelled(array(as_objects(nodes_of)), label))
                shape.add(list_of(each, label, inner, self._window.size))
            else:
                members.append(labelled(self.simple(each), label))
                shape.add(Leaf(key=each.key, label=label, nodes=nodes, non_null=True))
        return select(*members), shape

    def _total(self) -> ColumnElement[Any]:
        """How many rows the list has, with a mark instead where too many would have to be looked at."""
        rows = self._rows
        found = self._found(rows, self._predicates(rows).all())
        counted = select(func.count().label("found")).select_from(found).subquery()
        fits = counted.c.found <= MOST_EXAMINED
        told = case((fits, func.to_json(counted.c.found, type_=JSON)), else_=TOO_BROAD)
        return select(told).select_from(counted).scalar_subquery()

    def _looked_at(self, predicates: Predicates) -> ColumnElement[Any]:
        """How many rows the index leaves to be looked at, one more than the most that may be at most."""
        return select(func.count()).select_from(self._found(self._rows, predicates.indexed)).scalar_subquery()

    def _found(self, rows: Rows, conditions: Sequence[ColumnElement[bool]]) -> FromClause:
        """Rows under conditions, counted no further than needed."""
        found: Select[Any] = select(literal_column("1")).select_from(rows.source).where(*rows.where, *conditions)
        return found.correlate(*self._correlated).limit(literal_column(str(MOST_EXAMINED + 1))).subquery()

    def _around(self, selected: Sequence[Selected], predicates: Predicates) -> tuple[Select[Any], Shape]:
        """With cursors or page information: every row once with all that is asked of it, then aggregates over them."""
        around = _Around(self._compiler, self._rows, self._window, self._page(predicates, more=True))
        shape, makers = Shape(), list[tuple[str, Maker]]()
        for each in selected:
            label = label_for(each.key, len(makers))
            maker, member = around.member(each, label, self)
            makers.append((label, maker))
            shape.add(member)
        page = around.page()
        return select(*(labelled(maker(page), label) for label, maker in makers)).select_from(page), shape

    def simple(self, selected: Selected) -> ColumnElement[Any]:
        """A member that needs no row of the page."""
        return self._total() if selected.name == "totalCount" else _typename(self._rows.entity.name, "Connection")


Maker = Callable[[FromClause], ColumnElement[Any]]


class _Around:
    """Edges, nodes and page information of one page.

    Each member asks for columns of every row and for aggregates over all of them, and says what it makes of these.
    """

    def __init__(self, compiler: "Compiler", rows: Rows, window: Window, page: FromClause) -> None:
        self._compiler = compiler
        self._entity = rows.entity
        self._window = window
        self._page = page
        self._size = window.limit(more=False)
        self._columns: list[Label[Any]] = [
            page.c[_POSITION].label(_POSITION),
            window.cursor_of(page.c).label(_CURSOR),
        ]
        self._aggregates: list[Maker] = [lambda _: func.count()]

    def page(self) -> FromClause:
        """One row: the aggregates over the rows of the page."""
        rows = select(*self._columns).select_from(self._page).subquery()
        made = (make(rows).label(f"0a{at}") for at, make in enumerate(self._aggregates))
        return select(*made).select_from(rows).subquery()

    def member(self, selected: Selected, label: str, page: Page) -> tuple[Maker, Nested | Leaf]:
        """One member of the connection under a label, made of the row of aggregates."""
        key, nodes = selected.key, selected.below.nodes
        if selected.name == "pageInfo":
            return self._page_info(selected, label)
        if selected.name not in ("nodes", "edges"):
            return lambda _: page.simple(selected), Leaf(key=key, label=label, nodes=nodes, non_null=True)
        make, shape = self._node(selected.below) if selected.name == "nodes" else self._edge(selected.below)
        listed = self._aggregate(lambda rows: self._listed(rows, make(rows)))
        return listed, list_of(selected, label, shape, self._window.size)

    def _aggregate(self, make: Maker) -> Maker:
        self._aggregates.append(make)
        label = f"0a{len(self._aggregates) - 1}"
        return lambda page: page.c[label]

    def _node(self, selection: Selection) -> tuple[Maker, Shape]:
        columns, shape = self._compiler.row_of(self._entity, self._page, selection)
        names = [(f"0c{len(self._columns) + at}", column) for at, column in enumerate(columns)]
        self._columns += [column.element.label(name) for name, column in names]

        def make(rows: FromClause) -> ColumnElement[Any]:
            return _object([labelled(rows.c[name], column.name) for name, column in names], rows)

        return make, shape

    def _edge(self, selection: Selection) -> tuple[Maker, Shape]:
        shape = Shape()
        makers: list[tuple[str, Maker]] = []
        for each in selection.fields(f"{self._entity.name}Edge"):
            label = label_for(each.key, len(makers))
            if each.name == "node":
                make, inner = self._node(each.below)
                makers.append((label, make))
                shape.add(object_of(each, label, inner))
            else:
                makers.append((label, self._cursor if each.name == "cursor" else self._edge_name))
                shape.add(Leaf(key=each.key, label=label, nodes=each.below.nodes, non_null=True))

        return lambda rows: _object([labelled(make(rows), label) for label, make in makers], rows), shape

    def _cursor(self, rows: FromClause) -> ColumnElement[Any]:
        return rows.c[_CURSOR]

    def _edge_name(self, _: FromClause) -> ColumnElement[Any]:
        return _typename(self._entity.name, "Edge")

    def _page_info(self, selected: Selected, label: str) -> tuple[Maker, Nested]:
        shape, makers = Shape(), list[tuple[str, Maker]]()
        for each in selected.below.fields("PageInfo"):
            inner = label_for(each.key, len(makers))
            makers.append((inner, self._aggregate(partial(self._told, each))))
            non_null = not each.name.endswith("Cursor")
            shape.add(Leaf(key=each.key, label=inner, nodes=each.below.nodes, non_null=non_null))
        return (
            lambda page: _object([labelled(make(page), inner) for inner, make in makers], page),
            object_of(selected, label, shape),
        )

    def _listed(self, rows: FromClause, value: ColumnElement[Any]) -> ColumnElement[Any]:
        position = rows.c[_POSITION]
        order = position.desc() if self._window.backward else position.asc()
        listed = func.json_agg(aggregate_order_by(value, order), type_=JSON).filter(position <= self._size)
        return func.coalesce(listed, _EMPTY, type_=JSON)

    def _told(self, selected: Selected, rows: FromClause) -> ColumnElement[Any]:
        """One member of PageInfo, an aggregate over the rows."""
        if selected.definition is None:
            return _typename("PageInfo", "")
        ahead = {"hasNextPage": False, "hasPreviousPage": True, "endCursor": False, "startCursor": True}
        at_the_far_end = ahead[selected.name] == self._window.backward
        if selected.name.startswith("has"):
            return func.count() > self._size if at_the_far_end else true() if self._window.goes_on else false()
        position = rows.c[_POSITION]
        order = position.desc() if at_the_far_end else position.asc()
        cursors = func.array_agg(aggregate_order_by(rows.c[_CURSOR], order), type_=ARRAY(Text))
        return cursors.filter(position <= self._size)[1]


def _object(columns: Sequence[Label[Any]], rows: FromClause) -> ColumnElement[Any]:
    """A JSON object of columns of a row outside."""
    return as_objects(select(*columns).correlate(rows)).scalar_subquery()


def _typename(entity: str, suffix: str) -> ColumnElement[Any]:
    return literal_column(f"'{entity}{suffix}'")
