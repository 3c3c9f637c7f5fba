"""`entity`: a strawberry type declared against a table (or any FROM clause); its fields need no resolvers."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import strawberry
from sqlalchemy import ColumnElement, FromClause, RowMapping, Select, select
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import StrawberryLazyReference

from libs.graph.context import Info, ReadContext
from libs.graph.fields import LIST_SIZE, ColumnField, ComputedField, Field, Relation, StubField, printed_name
from libs.graph.filters import Condition, filter_input, order_enum
from libs.graph.paging import with_paging_arguments
from libs.graph.reading import read_computed, read_connection, read_count, read_many, read_one

T = TypeVar("T")
Visible = Callable[[FromClause, ReadContext], ColumnElement[bool] | None]

_entities: dict[tuple[str, str], "Entity"] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """What the declaration of a type says."""

    name: str
    origin: type
    source: FromClause | None
    resource: str
    visible: Visible | None
    columns: Mapping[str, ColumnField]
    conditions: Mapping[str, Condition]
    filter_type: type | None
    order_type: type | None

    def rows(self, context: ReadContext) -> tuple[FromClause, Select[Any]]:
        """The alias of the source, and the rows of it that exist for the actor, every column labelled."""
        assert self.source is not None
        alias = self.source.alias()
        labelled: dict[str, ColumnElement[Any]] = {column.key: column for column in alias.c}
        labelled |= {name: field.of(alias) for name, field in self.columns.items() if field.of is not None}
        statement = select(*(value.label(name) for name, value in labelled.items())).select_from(alias)
        if "tenant_id" in alias.c:
            statement = statement.where(alias.c.tenant_id == context.tenant_id)
        if self.visible is not None and context.reach < context.reach.ALL:
            predicate = self.visible(alias, context)
            if predicate is not None:
                statement = statement.where(predicate)
        return alias, statement

    def type_of(self, name: str) -> type:
        """The Python type of a column, as cursors need it."""
        assert self.source is not None
        kind: type = self.source.c[name].type.python_type
        return kind

    def make(self, row: RowMapping) -> Any:
        """An object of the type from a row: its columns are its attributes, declared in the graph or not."""
        made: Any = object.__new__(self.origin)
        made.__dict__.update(row)
        return made


def subgraph_of(cls: type) -> str:
    """`academic` for a class of `subgraphs.academic…`; the module itself elsewhere (tests)."""
    parts = cls.__module__.split(".")
    return parts[1] if parts[0] == "subgraphs" else cls.__module__


def entity_named(subgraph: str, name: str) -> Entity:
    """The declared type of a subgraph. Raises KeyError."""
    return _entities[subgraph, name]


def entity(
    source: FromClause | None,
    *,
    resource: str,
    visible: Visible | None = None,
    keyed: bool = True,
    conditions: Mapping[str, Condition] | None = None,
) -> Callable[[type[T]], type[T]]:
    """Declares a type. `source` None: a stub that adds fields to another subgraph's entity and holds its id alone.

    `resource` names the permission that reads it (`student` -> student:read, _taught, _own); `visible` narrows rows
    for every reach below ALL; `keyed` makes it an entity of the federation; `conditions` are further filters.
    """

    def declare(cls: type[T]) -> type[T]:
        hints = inspect.get_annotations(cls)
        declared = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
        columns = {name: field for name, field in declared.items() if isinstance(field, ColumnField)}
        typed = {name: (field, _bare(hints[name])) for name, field in columns.items()}
        further = conditions or {}
        made = Entity(
            name=cls.__name__,
            origin=cls,
            source=source,
            resource=resource,
            visible=visible,
            columns=columns,
            conditions=further,
            filter_type=filter_input(cls, typed, further),
            order_type=order_enum(cls, typed),
        )
        _entities[subgraph_of(cls), cls.__name__] = made
        bind_fields(cls)
        description = inspect.getdoc(cls)
        if not keyed:
            return strawberry.type(cls, description=description)

        return strawberry.federation.type(cls, keys=["id"], description=description)

    return declare


def bind_fields(cls: type) -> None:
    """Turns the declared fields of a class into strawberry fields; also for result types without a table.

    Words that are Python's own (`class_`) are printed without their underscore.
    """
    hints = inspect.get_annotations(cls)
    for name, declared in list(vars(cls).items()):
        bound = _field(cls, name, declared, hints[name]) if isinstance(declared, Field) else declared
        if isinstance(bound, StrawberryField):
            bound.graphql_name = bound.graphql_name or printed_name(name)
            setattr(cls, name, bound)


def _field(cls: type, name: str, declared: Field, hint: Any) -> Any:
    subgraph = subgraph_of(cls)
    match declared:
        case ColumnField():
            return strawberry.field(description=declared.description)
        case StubField(key=key):
            return strawberry.field(resolver=_stub_resolver(key), description=declared.description)
        case ComputedField():

            async def compute(root: Any, info: Info) -> Any:
                return await read_computed(info.context, entity_named(subgraph, cls.__name__), name, declared, root)

            return strawberry.field(resolver=compute, description=declared.description)
        case Relation():
            return _relation(subgraph, name, declared, hint)
        case _:
            raise TypeError(f"{cls.__name__}.{name}: unknown kind of field")


def _stub_resolver(key: str) -> Callable[..., Any]:
    def refer(root: Any) -> Any:
        value = getattr(root, key)
        return None if value is None else SimpleNamespace(id=value)

    return refer


def _relation(subgraph: str, name: str, relation: Relation, hint: Any) -> Any:
    if relation.kind == "connection":

        async def page(root: Any, info: Info, arguments: dict[str, Any]) -> Any:
            return await read_connection(info, entity_named(subgraph, relation.target), relation, arguments, root)

        resolver = with_paging_arguments(page, *_argument_types(relation.target, hint))
        return strawberry.federation.field(resolver=resolver, description=relation.description, directives=[LIST_SIZE])

    local = relation.local or f"{name.rstrip('_')}_id"
    read = {"one": read_one, "many": read_many, "count": read_count}[relation.kind]

    async def related(root: Any, info: Info) -> Any:
        return await read(info.context, entity_named(subgraph, relation.target), relation, getattr(root, local))

    return strawberry.field(resolver=related, description=relation.description)


def _argument_types(target: str, hint: Any) -> tuple[Any, Any]:
    """Lazy references to `<Target>Filter` and `<Target>Order`, which stand in the module of the target."""
    node = get_args(_bare(hint))[0]
    lazy = next((each for each in get_args(node) if isinstance(each, StrawberryLazyReference)), None)
    module = lazy.module if lazy else node.__module__
    return tuple(Annotated[f"{target}{kind}", strawberry.lazy(module)] for kind in ("Filter", "Order"))  # type: ignore[return-value]


def _bare(hint: Any) -> Any:
    """The type without None, so that `Gender | None` is filtered like Gender."""
    if get_origin(hint) in (Union, UnionType):
        options = [option for option in get_args(hint) if option is not type(None)]
        return options[0]
    return hint
