"""From a selection to SQL: every object is `row_to_json` over a sub-select, every list an array of them.

What relates to a row stands in its sub-select as a scalar subquery, so that the rows keep their order and a list can
never multiply another one. The shape of the JSON is put down beside the SQL (shapes.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
)
from sqlalchemy import JSON, ColumnElement, Date, FromClause, Label, Uuid, case, func, literal_column, select
from sqlalchemy.sql.expression import ScalarSelect
from sqlalchemy.types import TypeEngine

from libs.auth import CATALOGUE, Reach
from libs.graph.aggregates import Figures
from libs.graph.arguments import Parameters
from libs.graph.context import ReadContext
from libs.graph.fields import (
    ColumnField,
    ComputedField,
    DerivedField,
    FigureField,
    Relation,
    StubField,
    graph_name,
    terms_of,
)
from libs.graph.pages import Page
from libs.graph.predicates import existing
from libs.graph.rows import (
    LONGEST_LIST,
    MISSING,
    Built,
    OuterColumn,
    Row,
    Rows,
    StubRow,
    array,
    as_objects,
    at_most,
    froms,
    label_for,
    labelled,
    list_of,
    object_of,
    objects,
)
from libs.graph.selection import Selected, Selection
from libs.graph.shapes import HIDDEN, Computed, Leaf, Nested, Refused, Shape, attribute
from libs.kernel import Forbidden, Scope

if TYPE_CHECKING:
    from libs.graph.entity import Declared, Entity


_TYPES: Final[Mapping[type, TypeEngine[Any]]] = {UUID: Uuid(), date: Date()}
"""What the arguments of derived fields may be."""


@dataclass(slots=True)
class Compiler:
    """Compiles what one actor's permissions let a document ask of one subgraph."""

    entities: Mapping[str, "Entity"]
    permissions: frozenset[str]
    parameters: Parameters = field(default_factory=Parameters)
    reaches: dict[str, Reach] = field(default_factory=dict)

    def reading(self, resource: str) -> ReadContext:
        """How rows of a resource are read. Raises Forbidden when the actor has no reach over it."""
        reach = self.reaches.setdefault(resource, reach_of(self.permissions, resource))
        if reach is Reach.NONE:
            raise Forbidden
        parameters = self.parameters
        return ReadContext(
            reach=reach,
            keeps_own=f"{resource}:read_own" in self.permissions,
            permissions=self.permissions,
            tenant_id=parameters.tenant_id,
            user_id=parameters.user_id,
            student_ids=parameters.student_ids,
            today=parameters.today,
            now=parameters.now,
        )

    def scope(self) -> Scope:
        """What the statement's transaction is bound to: OWN when nothing in it reaches further over people's rows.

        Resources that nobody reads as own rows have no policies for it and do not count.
        """
        people = [reach for resource, reach in self.reaches.items() if f"{resource}:read_own" in CATALOGUE]
        return Scope.OWN if people and all(reach <= Reach.OWN for reach in people) else Scope.TENANT

    def row_of(self, entity: "Entity", row: Row, selection: Selection) -> Built:
        """The columns of an object over a row, and its shape."""
        columns: dict[str, Label[Any]] = {}
        shape = Shape()
        for selected in selection.fields(entity.name):
            self._add(entity, row, selected, columns, shape)
        return list(columns.values()), shape

    def _add(
        self, entity: "Entity", row: Row, selected: Selected, columns: dict[str, Label[Any]], shape: Shape
    ) -> None:
        label = label_for(selected.key, len(columns))
        nodes = selected.below.nodes
        if selected.definition is None:
            columns[label] = labelled(literal_column(f"'{entity.name}'"), label)
            shape.add(Leaf(key=selected.key, label=label, nodes=nodes, non_null=True))
            return
        declared = entity.fields[selected.name]
        non_null = is_non_null_type(selected.definition.type)
        refused = Refused(key=selected.key, label=label, nodes=nodes, non_null=non_null)
        match declared.field:
            case ColumnField(permission=str() as permission) if permission not in self.permissions:
                shape.add(refused)
            case ColumnField():
                columns[label] = labelled(_json_value(entity, row, declared), label)
                shape.add(Leaf(key=selected.key, label=label, nodes=nodes, non_null=non_null))
            case ComputedField() as computed:
                if computed.own is None and not self._permits(computed):
                    shape.add(refused)
                    return
                self._hide(row, computed, columns)
                shape.add(self._computed(row, selected, computed))
            case StubField(key=key):
                value, inner = self._stub(entity, row, selected, key)
                columns[label] = labelled(value, label)
                shape.add(object_of(selected, label, inner))
            case DerivedField() | FigureField() | Relation():
                try:
                    value, member = self._related(entity, row, selected, declared, label)
                except Forbidden:  # of the type, or its arguments ask about what the actor may not read
                    shape.add(refused)
                    return
                columns[label] = labelled(value, label)
                shape.add(member)

    def _related(
        self, entity: "Entity", row: Row, selected: Selected, declared: "Declared", label: str
    ) -> tuple[ColumnElement[Any], Nested | Leaf]:
        """The objects, or the value, of a field that tells of other rows. Raises Forbidden."""
        related = declared.field
        if isinstance(related, FigureField):
            assert selected.definition is not None
            non_null = is_non_null_type(selected.definition.type)
            value = related.of(OuterColumn(row.c["id"]), self.reading(entity.resource))
            return value, Leaf(key=selected.key, label=label, nodes=selected.below.nodes, non_null=non_null)
        assert isinstance(related, DerivedField | Relation)
        reach = reach_of(self.permissions, self.entities[related.target].resource)
        figures = isinstance(related, Relation) and related.kind == "aggregates"
        if reach <= (Reach.OWN if figures else Reach.NONE):
            raise Forbidden
        if isinstance(related, DerivedField):
            return self._derived(row, selected, related, label)
        return self._relation(row, selected, declared, related, label)

    def _permits(self, declared: ComputedField) -> bool:
        """Whether the actor may read a computed field of every row."""
        return declared.permission is None or declared.permission in self.permissions

    def _hide(self, row: Row, declared: ComputedField, columns: dict[str, Label[Any]]) -> None:
        """Adds the columns that a computed field needs of its row; those of others are not read without permission."""
        permits, own = self._permits(declared), declared.own
        for name in declared.columns:
            value = row.c[name]
            if not permits and own is not None and name != "id":
                value = case((row.c[own] == self.parameters.user_id, value))
            if permits or HIDDEN + name not in columns:
                columns[HIDDEN + name] = labelled(value, HIDDEN + name)
        if own is not None:
            columns[HIDDEN + own] = labelled(row.c[own], HIDDEN + own)

    def _computed(self, row: Row, selected: Selected, declared: ComputedField) -> Computed:
        assert selected.definition is not None
        return Computed(
            key=selected.key,
            label=selected.key,
            nodes=selected.below.nodes,
            non_null=is_non_null_type(selected.definition.type),
            declared=declared,
            columns={name: row.c[name].type for name in declared.columns},
            permitted=self._permits(declared),
            shape=_value_shape(selected.definition, selected.below),
        )

    def _stub(self, entity: "Entity", row: Row, selected: Selected, key: str) -> tuple[ColumnElement[Any], Shape]:
        assert selected.definition is not None
        value = entity.value(row, key)
        target = self.entities[get_named_type(selected.definition.type).name]
        columns, shape = self.row_of(target, StubRow({"id": value}, froms(row)), selected.below)
        rows = select(*columns).where(value.is_not(None)).correlate(*froms(row))
        return as_objects(rows).scalar_subquery(), shape

    def _derived(
        self, row: Row, selected: Selected, declared: DerivedField, label: str
    ) -> tuple[ColumnElement[Any], Nested]:
        """The objects that the target's statement makes for a row, under the arguments of the document."""
        entity = self.entities[declared.target]
        assert entity.made is not None
        values: dict[str, ColumnElement[Any] | None] = {}
        for name, (kind, _) in declared.arguments.items():
            given = selected.arguments.get(graph_name(name))
            values[name] = None if given is None else self.parameters.argument(given, _TYPES[kind])
        made = entity.made(OuterColumn(row.c["id"]), self.reading(entity.resource), **values).subquery()
        columns, shape = self.row_of(entity, made, selected.below)
        rows = as_objects(select(*columns).select_from(made))
        if declared.many:
            return array(rows), list_of(selected, label, shape, lambda _: declared.assumed)
        return rows.scalar_subquery(), object_of(selected, label, shape)

    def _relation(
        self, row: Row, selected: Selected, declared: "Declared", relation: Relation, label: str
    ) -> tuple[ColumnElement[Any], Nested | Leaf]:
        related = self.related(row, declared, relation)
        below = selected.below
        if relation.kind == "count":
            counted = select(func.count()).select_from(related.source).where(*related.where).correlate(*froms(row))
            leaf = Leaf(key=selected.key, label=label, nodes=below.nodes, non_null=True)
            return counted.scalar_subquery(), leaf
        value: ColumnElement[Any]
        if relation.kind == "one":
            value, shape = self.one(related, below, correlated=froms(row))
            assert selected.definition is not None
            if is_non_null_type(selected.definition.type):
                value = func.coalesce(value, MISSING, type_=JSON)
            return value, object_of(selected, label, shape)
        if relation.kind == "many":
            value, shape = self.many(related, below, relation.order, correlated=froms(row))
            return value, list_of(selected, label, shape, lambda _: relation.assumed)
        if relation.kind == "aggregates":
            value, shape = Figures(self, related, selected.arguments, correlated=froms(row)).compile(below)
            return value, list_of(selected, label, shape, lambda _: relation.assumed)
        page = Page(self, related, selected.arguments, relation.order, froms(row))
        value, shape = page.compile(below)
        return value, object_of(selected, label, shape)

    def related(self, row: Row, declared: "Declared", relation: Relation) -> Rows:
        """The rows of a relation of one row."""
        local = row.c[relation.local or f"{declared.name.rstrip('_')}_id"]
        rows = self.rows(relation.target)
        if relation.through is None:
            return rows.narrowed(rows.alias.c[relation.remote] == local)
        link = relation.through(rows.context).alias()
        joined = rows.alias.join(link, link.c.target_id == rows.alias.c[relation.remote])
        return Rows(rows.entity, rows.context, rows.alias, joined, [*rows.where, link.c.source_id == local])

    def rows(self, name: str) -> Rows:
        """All rows of a type that exist for the actor. Raises Forbidden without reach."""
        entity = self.entities[name]
        context = self.reading(entity.resource)
        assert entity.source is not None
        alias = entity.source.alias()
        return Rows(entity, context, alias, alias, existing(entity, alias, context))

    def one(
        self, rows: Rows, selection: Selection, *, correlated: Sequence[FromClause] = ()
    ) -> tuple[ScalarSelect[Any], Shape]:
        """One of the rows as an object; null when there is none."""
        columns, shape = self.row_of(rows.entity, rows.alias, selection)
        found = select(*columns).select_from(rows.source).where(*rows.where).limit(literal_column("1"))
        return as_objects(found.correlate(*correlated)).scalar_subquery(), shape

    def many(
        self,
        rows: Rows,
        selection: Selection,
        order: str,
        *,
        correlated: Sequence[FromClause] = (),
        most: int = LONGEST_LIST,
    ) -> tuple[ColumnElement[Any], Shape]:
        """All of the rows as a list; a mark instead when there are more than `most`."""
        by = [rows.alias.c[name].desc() if down else rows.alias.c[name].asc() for name, down in terms_of(order)]
        found = select(rows.alias).select_from(rows.source).where(*rows.where).order_by(*by)
        page = found.limit(literal_column(str(most + 1))).correlate(*correlated).subquery()
        columns, shape = self.row_of(rows.entity, page, selection)
        return at_most(most, objects(columns, page)), shape


def reach_of(permissions: frozenset[str], resource: str) -> Reach:
    """The strongest reach of these permissions over a resource."""
    for reach, suffix in ((Reach.ALL, ""), (Reach.TAUGHT, "_taught"), (Reach.OWN, "_own")):
        if f"{resource}:read{suffix}" in permissions:
            return reach
    return Reach.NONE


def _json_value(entity: "Entity", row: Row, declared: "Declared") -> ColumnElement[Any]:
    value: ColumnElement[Any] = entity.value(row, declared.name)
    if declared.kind is datetime:
        told = func.to_char(func.timezone("UTC", value), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        return func.replace(told, ".000000Z", "Z")  # as the scalar tells it
    if declared.kind is time:
        return func.replace(func.to_char(value, "HH24:MI:SS.US"), ".000000", "")  # the same
    return value


def _value_shape(definition: GraphQLField, selection: Selection) -> Shape | None:
    """The shape of what a computed field gives, where that is objects of a plain type."""
    kind = get_named_type(definition.type)
    if not isinstance(kind, GraphQLObjectType):
        return None
    shape = Shape(of_values=True, needs_completion=True)
    for selected in selection.fields(kind.name):
        nodes = selected.below.nodes
        if selected.definition is None:
            shape.add(Leaf(key=selected.key, label=HIDDEN + kind.name, nodes=nodes, non_null=True))
            continue
        label, inner = attribute(selected.name), _value_shape(selected.definition, selected.below)
        if inner is None:
            non_null = is_non_null_type(selected.definition.type)
            shape.add(Leaf(key=selected.key, label=label, nodes=nodes, non_null=non_null))
        else:
            many = is_list_type(get_nullable_type(selected.definition.type))
            shape.add(list_of(selected, label, inner, lambda _: 1) if many else object_of(selected, label, inner))
    return shape
