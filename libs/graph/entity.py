"""`entity`: a strawberry type declared against a table (or any FROM clause); its fields need no resolvers."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Optional, TypeVar, Union, get_args, get_origin

import strawberry
from sqlalchemy import ColumnElement, FromClause, Select
from strawberry.annotation import StrawberryAnnotation
from strawberry.federation.schema_directives import FederationDirective
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import StrawberryLazyReference

from libs.graph.aggregates import aggregate_arguments, aggregate_types, aggregates_of
from libs.graph.context import ReadContext
from libs.graph.fields import (
    LIST_SIZE,
    LOOKED_UP,
    ColumnField,
    DerivedField,
    Field,
    FigureField,
    Relation,
    Search,
    assumed_size,
    graph_name,
)
from libs.graph.filters import Condition, filter_input, order_enum
from libs.graph.paging import paging_arguments
from libs.graph.predicates import indexed_columns
from libs.graph.rows import Row
from libs.kernel import Forbidden

T = TypeVar("T")
Visible = Callable[[FromClause, ReadContext], ColumnElement[bool]]
Made = Callable[..., Select[*tuple[Any, ...]]]
"""`made(row_id, context, **arguments)`: the rows of a derived type for one row outside, those the actor may see."""

_entities: dict[tuple[str, str], "Entity"] = {}


@dataclass(frozen=True, slots=True)
class Declared:
    """One field of a declaration: its name in Python, where it comes from, and its type without None."""

    name: str
    field: Field
    kind: Any


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """What the declaration of a type says; fields and conditions by their names in the graph."""

    name: str
    source: FromClause | None
    resource: str
    visible: Visible | None
    fields: Mapping[str, Declared]
    keyed: bool
    conditions: Mapping[str, Condition]
    indexed: frozenset[str]
    filter_type: type | None
    order_type: type | None
    group_type: type | None
    made: Made | None

    def value(self, row: Row, name: str) -> ColumnElement[Any]:
        """The SQL of a column's value, by its name in Python; hidden columns of the table included."""
        declared = self.fields.get(graph_name(name))
        if declared is not None and isinstance(declared.field, ColumnField) and declared.field.of is not None:
            assert isinstance(row, FromClause)  # a stub has no column but its id
            return declared.field.of(row)
        value: ColumnElement[Any] = row.c[name]
        return value

    def usable(self, name: str, permissions: frozenset[str]) -> "Declared":
        """A field to filter, order or group by, by its name in the graph: each of these would tell its value.

        Raises Forbidden without the field's permission.
        """
        declared = self.fields[name]
        needed = declared.field.permission if isinstance(declared.field, ColumnField) else None
        if needed is not None and needed not in permissions:
            raise Forbidden
        return declared

    @property
    def search(self) -> Search:
        """Where the words of its name are, and what makes words of a text."""
        columns = (each.field for each in self.fields.values() if isinstance(each.field, ColumnField))
        return next(field.search for field in columns if field.search is not None)


def subgraph_of(cls: type) -> str:
    """`academic` for a class of `subgraphs.academic…`; the module itself elsewhere (tests)."""
    parts = cls.__module__.split(".")
    return parts[1] if parts[0] == "subgraphs" else cls.__module__


def entity_named(subgraph: str, name: str) -> Entity:
    """The declared type of a subgraph. Raises KeyError."""
    return _entities[subgraph, name]


def entities_of(subgraph: str) -> Mapping[str, Entity]:
    """The declared types of a subgraph, by name."""
    return {name: declared for (owner, name), declared in _entities.items() if owner == subgraph}


def entity(
    source: FromClause | None,
    *,
    resource: str,
    visible: Visible | None = None,
    keyed: bool = True,
    conditions: Mapping[str, Condition] | None = None,
    made: Made | None = None,
) -> Callable[[type[T]], type[T]]:
    """Declares a type. `source` None: a stub that adds fields to another subgraph's entity and holds its id alone, or
    a derived type, whose columns the statement `made` selects for a row outside, in their order (see `derived`).

    `resource` names the permission that reads it (`student` -> student:read, _taught, _own); `visible` narrows rows
    for every reach below ALL; `keyed` makes it an entity of the federation; `conditions` are further filters.
    """

    def declare(cls: type[T]) -> type[T]:
        hints = inspect.get_annotations(cls)
        declared = {
            name: Declared(name, value, _bare(hints[name]))
            for name, value in vars(cls).items()
            if isinstance(value, Field)
        }
        columns = {
            name: (each.field, each.kind) for name, each in declared.items() if isinstance(each.field, ColumnField)
        }
        further = conditions or {}
        _entities[subgraph_of(cls), cls.__name__] = Entity(
            name=cls.__name__,
            source=source,
            resource=resource,
            visible=visible,
            fields={graph_name(name): each for name, each in declared.items()},
            keyed=keyed,
            conditions={graph_name(name): each for name, each in further.items()},
            indexed=indexed_columns(source) if source is not None else frozenset(),
            filter_type=filter_input(cls, columns, further),
            order_type=order_enum(cls, columns),
            group_type=aggregate_types(cls, {name: (each.field, each.kind) for name, each in declared.items()}),
            made=made,
        )
        bind_fields(cls)
        description = inspect.getdoc(cls)
        if not keyed:
            return strawberry.type(cls, description=description)

        return strawberry.federation.type(cls, keys=["id"], description=description)

    return declare


def bind_fields(cls: type, resolver: Any = None) -> None:
    """Turns the declared fields of a class into strawberry fields; also for result types without a table.

    `resolver` gives the value of a related object of a result; fields of entities have none: nobody asks for them one
    by one. Words that are Python's own (`class_`) are printed without their underscore.
    """
    hints = inspect.get_annotations(cls)
    for name, declared in list(vars(cls).items()):
        if isinstance(declared, Relation) and declared.kind == "aggregates":
            cls.__annotations__[name] = aggregates_of(declared.target, _module(hints[name]))
        bound = _field(declared, hints[name], resolver) if isinstance(declared, Field) else declared
        if isinstance(bound, StrawberryField):
            if name.endswith("_"):
                bound.graphql_name = bound.graphql_name or graph_name(name)
            setattr(cls, name, bound)


def _field(declared: Field, hint: Any, resolver: Any) -> StrawberryField:
    is_single = isinstance(declared, Relation) and declared.kind in {"one", "count"}
    field: StrawberryField = strawberry.federation.field(
        description=declared.description,
        directives=_directives(declared),
        resolver=resolver if is_single else None,  # type: ignore[arg-type] # None is its own default
    )
    if isinstance(declared, DerivedField):
        field.arguments = [
            StrawberryArgument(
                python_name=name,
                graphql_name=graph_name(name),
                type_annotation=StrawberryAnnotation(Annotated[Optional[kind], None]),  # noqa: UP045 - at run time
                description=text,
                default=None,
            )
            for name, (kind, text) in declared.arguments.items()
        ]
    elif isinstance(declared, Relation) and declared.kind == "connection":
        field.arguments = paging_arguments(*_argument_types(declared.target, hint, "Filter", "Order"))
    elif isinstance(declared, Relation) and declared.kind == "aggregates":
        field.arguments = aggregate_arguments(*_argument_types(declared.target, hint, "Filter", "Group"))
    return field


def _directives(declared: Field) -> list[FederationDirective]:
    """What the router is told of the field's cost."""
    directives: list[FederationDirective] = []
    if isinstance(declared, FigureField | DerivedField):
        directives.append(LOOKED_UP)
    if isinstance(declared, Relation) and declared.kind == "connection":
        directives.append(LIST_SIZE)
    elif (isinstance(declared, Relation) and declared.kind in {"many", "aggregates"}) or (
        isinstance(declared, DerivedField) and declared.many
    ):
        directives.append(assumed_size(declared.assumed))
    return directives


def _argument_types(target: str, hint: Any, *kinds: str) -> tuple[Any, Any]:
    """Lazy references to `<Target>Filter` and the like, which stand in the module of the target."""
    module = _module(hint)
    return tuple(Annotated[f"{target}{kind}", strawberry.lazy(module)] for kind in kinds)  # type: ignore[return-value]


def _module(hint: Any) -> str:
    """The module of the type in Connection[…] or Aggregates[…], which may be lazy."""
    node = get_args(_bare(hint))[0]
    lazy = next((each for each in get_args(node) if isinstance(each, StrawberryLazyReference)), None)
    module: str = lazy.module if lazy else node.__module__
    return module


def _bare(hint: Any) -> Any:
    """The type without None, so that `Gender | None` is filtered like Gender."""
    if get_origin(hint) in (Union, UnionType):
        options = [option for option in get_args(hint) if option is not type(None)]
        return options[0]
    return hint
