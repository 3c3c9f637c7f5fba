"""Figures over many rows: how many, and sums, averages and extremes of their numbers, by group."""

import sys
from collections.abc import Mapping, Sequence
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Generic, Optional, TypeVar

import strawberry
from sqlalchemy import (
    ColumnElement,
    Float,
    FromClause,
    Label,
    Select,
    Subquery,
    func,
    literal_column,
    null,
    select,
)
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.enum import StrawberryEnumDefinition

from libs.auth import Reach
from libs.graph.fields import ColumnField, Field, Relation, graph_name
from libs.graph.predicates import filtered
from libs.graph.rows import LONGEST_LIST, Rows, as_objects, at_most, label_for, labelled, object_of, objects
from libs.graph.selection import Selected, Selection
from libs.graph.shapes import Leaf, Refused, Shape
from libs.kernel import Forbidden

if TYPE_CHECKING:
    from libs.graph.compiler import Compiler
    from libs.graph.entity import Declared

T = TypeVar("T")
_COUNT = "count"
_FIGURES: dict[str, Any] = {"sum": func.sum, "average": func.avg, "min": func.min, "max": func.max}


@strawberry.federation.type(shareable=True, description="Figures of one number over many rows; null over none.")
class NumberFigures:
    """The same in every subgraph."""

    sum: float | None = strawberry.field(description="Sum.")
    average: float | None = strawberry.field(description="Average.")
    min: float | None = strawberry.field(description="Smallest.")
    max: float | None = strawberry.field(description="Largest.")


class Aggregates(Generic[T]):
    """What a field of figures over rows of a type is declared as; the graph has a list of `<Type>Aggregates` there."""


def aggregates_of(target: str, module: Any) -> Any:
    """The type that the graph has in place of Aggregates[target]; it stands in the module of the target."""
    return list[Annotated[f"{target}Aggregates", strawberry.lazy(module)]]  # type: ignore[misc]


def aggregate_types(owner: type, fields: Mapping[str, tuple[Field, Any]]) -> type[Enum] | None:
    """`<Type>Group`, `<Type>Keys` and `<Type>Aggregates` of a declared type, put into its module; None without groups.

    `fields`: name -> (declaration, type). Returns the enumeration.
    """
    groups = {name: each for name, each in fields.items() if getattr(each[0], "group", False)}
    if not groups:
        return None
    measures = [name for name, (field, _) in fields.items() if isinstance(field, ColumnField) and field.measure]
    title, module = owner.__name__, sys.modules[owner.__module__]
    enum: type[Enum] = StrEnum(  # type: ignore[misc]
        f"{title}Group", {name.rstrip("_").upper(): name for name in groups}, module=owner.__module__
    )
    strawberry.enum(enum, description=f"What {title} rows can be grouped by.")
    definition: StrawberryEnumDefinition = vars(enum)["__strawberry_definition__"]
    for value in definition.values:
        value.description = groups[str(value.value)][0].description
    keys = _type(
        owner,
        f"{title}Keys",
        f"What the {title} rows of a group have in common; null where they were not grouped by it.",
        {name: (Optional[kind], field.description) for name, (field, kind) in groups.items()},  # noqa: UP045
    )
    figures: dict[str, tuple[Any, str]] = {
        _COUNT: (int, "How many rows."),
        "keys": (keys, "What they have in common."),
    }
    figures |= {name: (NumberFigures, fields[name][0].description) for name in measures}
    made = _type(owner, f"{title}Aggregates", f"Figures of a group of {title} rows.", figures)
    for each in (enum, keys, made):
        setattr(module, each.__name__, each)
    return enum


def _type(owner: type, title: str, description: str, fields: Mapping[str, tuple[Any, str]]) -> type:
    members: dict[str, Any] = {
        name: strawberry.field(description=text, name=graph_name(name)) for name, (_, text) in fields.items()
    }
    annotations = {name: kind for name, (kind, _) in fields.items()}
    cls = type(title, (), {"__annotations__": annotations, "__module__": owner.__module__, **members})
    return strawberry.type(cls, description=description)


def aggregate_arguments(filter_type: Any, group_type: Any) -> list[StrawberryArgument]:
    """The arguments of every field of figures; the types may be lazy."""
    described = {
        "filter": (filter_type, "Over which rows; all that is given must hold."),
        "group_by": (list[group_type], "One row of figures for each combination of these; one in all without any."),
    }
    return [
        StrawberryArgument(
            python_name=name,
            graphql_name=graph_name(name),
            type_annotation=StrawberryAnnotation(Annotated[Optional[kind], None]),  # noqa: UP045 - at run time
            description=text,
            default=None,
        )
        for name, (kind, text) in described.items()
        if kind is not None
    ]


class Figures:
    """Figures over `rows`, by the groups that the arguments name. Raises Forbidden for who sees own rows alone.

    Row-level security would make figures about others wrong for them, silently.
    """

    def __init__(
        self, compiler: "Compiler", rows: Rows, arguments: Mapping[str, Any], correlated: Sequence[FromClause] = ()
    ) -> None:
        if rows.context.reach is Reach.OWN:
            raise Forbidden
        self._compiler = compiler
        self._rows = rows
        self._arguments = arguments
        self._correlated = correlated
        self._groups = list(dict.fromkeys(str(name) for name in arguments.get("groupBy") or ()))

    def compile(self, selection: Selection) -> tuple[ColumnElement[Any], Shape]:
        """The list's JSON as a scalar subquery, and the shape of its items."""
        entity, groups = self._rows.entity, self._grouped()
        shape, columns = Shape(), list[Label[Any]]()
        for selected in selection.fields(f"{entity.name}Aggregates"):
            label, nodes = label_for(selected.key, len(columns)), selected.below.nodes
            if selected.name == "keys":
                value, inner = self._keys(groups, selected.below)
                columns.append(labelled(value, label))
                shape.add(object_of(selected, label, inner))
            elif selected.name in (_COUNT, "__typename"):
                typename: ColumnElement[Any] = literal_column(f"'{entity.name}Aggregates'")
                columns.append(labelled(groups.c[_COUNT] if selected.definition else typename, label))
                shape.add(Leaf(key=selected.key, label=label, nodes=nodes, non_null=True))
            else:
                value, inner = _number(groups, entity.fields[selected.name].name, selected.below)
                columns.append(labelled(value, label))
                shape.add(object_of(selected, label, inner))
        return at_most(LONGEST_LIST, objects(columns, groups)), shape

    def _grouped(self) -> Subquery:
        """One row for each group: its keys, the count, and all figures of all numbers."""
        rows, entity = self._rows, self._rows.entity
        permissions = rows.context.permissions
        keys = [self._key(entity.usable(graph_name(name), permissions)).label(name) for name in self._groups]
        measures = [each.name for each in entity.fields.values() if getattr(each.field, "measure", False)]
        numbers = [entity.value(rows.alias, name).label(f"0{name}") for name in measures]
        given = self._arguments.get("filter")
        conditions = filtered(entity, rows.alias, given, self._compiler.parameters, rows.context).all()
        found: Select[Any] = select(*keys, *numbers, literal_column("1").label(_COUNT)).select_from(rows.source)
        each = found.where(*rows.where, *conditions).correlate(*self._correlated).subquery()
        figures = [
            make(each.c[f"0{name}"]).cast(Float).label(f"0{name}_{figure}")
            for name in measures
            for figure, make in _FIGURES.items()
        ]
        grouped = select(*(each.c[name] for name in self._groups), func.count().label(_COUNT), *figures)
        grouped = grouped.select_from(each)
        if self._groups:
            by = [each.c[name] for name in self._groups]
            grouped = grouped.group_by(*by).order_by(*by).limit(literal_column(str(LONGEST_LIST + 1)))
        return grouped.subquery()

    def _key(self, declared: "Declared") -> ColumnElement[Any]:
        """What rows are grouped by: a column's value, or the id of the one related row."""
        rows, relation = self._rows, declared.field
        if not isinstance(relation, Relation):
            return rows.entity.value(rows.alias, declared.name)
        local: ColumnElement[Any] = rows.alias.c[relation.local or f"{declared.name.rstrip('_')}_id"]
        if relation.through is None:
            return local
        target = self._compiler.rows(relation.target)
        link = relation.through(target.context).alias()
        wanted = select(link.c.target_id).where(link.c.source_id == local).limit(literal_column("1"))
        return wanted.scalar_subquery()

    def _keys(self, groups: Subquery, selection: Selection) -> tuple[ColumnElement[Any], Shape]:
        entity = self._rows.entity
        shape, columns = Shape(), list[Label[Any]]()
        for selected in selection.fields(f"{entity.name}Keys"):
            label = label_for(selected.key, len(columns))
            if selected.definition is None:
                columns.append(labelled(literal_column(f"'{entity.name}Keys'"), label))
                shape.add(Leaf(key=selected.key, label=label, nodes=selected.below.nodes, non_null=True))
                continue
            declared = entity.fields[selected.name]
            if declared.name in self._groups and isinstance(declared.field, Relation):
                self._related_key(groups.c[declared.name], declared.field, selected, (label, columns, shape))
                continue
            value = groups.c[declared.name] if declared.name in self._groups else null()
            columns.append(labelled(value, label))
            shape.add(Leaf(key=selected.key, label=label, nodes=selected.below.nodes, non_null=False))
        found = select(*columns).correlate(groups)
        return as_objects(found).scalar_subquery(), shape

    def _related_key(
        self,
        row_id: ColumnElement[Any],
        relation: Relation,
        selected: Selected,
        place: tuple[str, list[Label[Any]], Shape],
    ) -> None:
        label, columns, shape = place
        try:
            rows = self._compiler.rows(relation.target)
        except Forbidden:
            shape.add(Refused(key=selected.key, label=label, nodes=selected.below.nodes, non_null=False))
            return
        wanted = rows.narrowed(rows.alias.c.id == row_id)
        value, inner = self._compiler.one(wanted, selected.below, correlated=[row_id.table])
        columns.append(labelled(value, label))
        shape.add(object_of(selected, label, inner))


def _number(groups: Subquery, name: str, selection: Selection) -> tuple[ColumnElement[Any], Shape]:
    shape, columns = Shape(), list[Label[Any]]()
    for selected in selection.fields("NumberFigures"):
        label = label_for(selected.key, len(columns))
        value = groups.c[f"0{name}_{selected.name}"] if selected.definition else literal_column("'NumberFigures'")
        columns.append(labelled(value, label))
        shape.add(Leaf(key=selected.key, label=label, nodes=selected.below.nodes, non_null=not selected.definition))
    return as_objects(select(*columns).correlate(groups)).scalar_subquery(), shape
