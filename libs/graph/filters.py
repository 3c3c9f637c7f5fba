"""Filter and order inputs, generated from the declarations, and the SQL of their comparisons."""

import operator
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, StrEnum
from typing import Annotated, Any, NewType, Optional
from uuid import UUID

import strawberry
from sqlalchemy import ARRAY, BindParameter, ColumnElement, FromClause, Select, Text, and_, any_, func, not_, true
from strawberry.types.enum import StrawberryEnumDefinition

from libs.graph.arguments import Parameters, Request, filled
from libs.graph.context import ReadContext
from libs.graph.errors import RequestRefused
from libs.graph.fields import ColumnField, Expression, graph_name

_MOST_VALUES = 100
LARGEST_CHARACTER = "\U0010ffff"
_EQUALITY = {"eq": "Equal to this.", "in_": "Equal to one of these, at most 100.", "ne": "Not equal to this."}
_RANGE = {"lt": "Less than this.", "lte": "At most this.", "gt": "Greater than this.", "gte": "At least this."}
_TITLES = {str: "String", UUID: "ID", int: "Int", bool: "Boolean", date: "Date", datetime: "DateTime"}
_comparisons: dict[Any, type] = {}


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter that is more than a comparison of one column: `build(row, given, context)` gives its SQL.

    `resource` is what one must read to ask it, where it is about other rows than those that are listed; `permission` is
    what one must hold, where it is about a value that is protected.
    """

    type: Any
    description: str
    build: Callable[[FromClause, "Comparison", ReadContext], ColumnElement[bool]]
    resource: str | None = None
    permission: str | None = None


def comparison(kind: Any) -> type:
    """The comparison input of a Python type (StringFilter, DateFilter, GenderFilter …), the same object each time."""
    kind = str if isinstance(kind, NewType) else kind
    if kind not in _comparisons:
        texts = _EQUALITY | (_RANGE if kind in (int, date, datetime) else {})
        if kind is bool:
            texts = {"eq": _EQUALITY["eq"]}
        title = _TITLES.get(kind) or kind.__name__
        types = {name: list[kind] if name == "in_" else kind for name in texts}
        members = {
            name: strawberry.field(default=None, description=text, name=graph_name(name))
            for name, text in texts.items()
        }
        types["is_null"] = bool
        members["is_null"] = strawberry.field(default=None, description="Whether the value is missing.")
        annotations = {name: Optional[each] for name, each in types.items()}  # noqa: UP045 - built at run time
        made = type(f"{title}Filter", (), {"__annotations__": annotations, "__module__": __name__, **members})
        _comparisons[kind] = strawberry.input(
            made, description=f"Comparisons of a {title} value; all that are given must hold."
        )
    return _comparisons[kind]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparisons given for one value, by their names in the graph; their values may be slots.

    Of a condition whose type is no comparison, `given` is the value itself.
    """

    given: Any
    parameters: Parameters

    def holds(self, left: ColumnElement[Any]) -> ColumnElement[bool]:
        """Every one of them, of an expression."""
        return and_(true(), *(self._holds(name, left) for name in self._names()))

    def holds_for_any(self, values: Select[Any]) -> ColumnElement[bool]:
        """Of the values of related rows: one is equal to (eq, in, the ranges), none is (ne), there is none (isNull)."""
        (left,) = values.selected_columns
        found = []
        for name in self._names():
            if name == "isNull":
                found.append(not_(values.exists()) if self.given[name] else values.exists())
            elif name == "ne":
                found.append(not_(values.where(left == self._value(name, left)).exists()))
            else:
                found.append(values.where(self._holds(name, left)).exists())
        return and_(true(), *found)

    def equals_made(self, left: ColumnElement[Any], make: Callable[[Request, Any], Any]) -> ColumnElement[bool]:
        """Whether a column holds what `make` makes of the value of `eq` for the request: its blind index, say."""
        if (value := self.given.get("eq")) is None:
            return true()
        return left == self.parameters.add(left.type, lambda request: make(request, filled(value, request.variables)))

    def uses_index(self) -> bool:
        """Whether an index over the value serves all of them."""
        return not {"ne", "isNull"} & set(self._names())

    def _names(self) -> list[str]:
        return [name for name, value in self.given.items() if value is not None]

    def _value(self, name: str, left: ColumnElement[Any]) -> BindParameter[Any]:
        return self.parameters.argument(self.given[name], left.type, bindable)

    def _holds(self, name: str, left: ColumnElement[Any]) -> ColumnElement[bool]:
        if name == "isNull":
            return left.is_(None) if self.given[name] else left.is_not(None)
        if name == "in":
            values = self.parameters.argument(self.given[name], ARRAY(left.type), _bindable_list)
            return left == any_(values)
        return _OPERATORS[name](left, self._value(name, left))


_OPERATORS: dict[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "eq": operator.eq,
    "ne": lambda left, value: left.is_distinct_from(value),
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def bindable(value: Any) -> Any:
    """A value as the driver takes it: members of a StrEnum are their own text."""
    return str(value) if isinstance(value, StrEnum) else value


def bounded(values: list[Any]) -> list[Any]:
    """Refuses lists that are too long. Raises RequestRefused."""
    if len(values) > _MOST_VALUES:
        raise RequestRefused("BAD_REQUEST", f"A filter takes at most {_MOST_VALUES} values.")
    return values


def _bindable_list(values: list[Any]) -> list[Any]:
    return [bindable(value) for value in bounded(values)]


def compared(description: str, kind: Any, of: Expression, *, resource: str | None = None) -> Condition:
    """A filter with the comparisons of `kind` over an expression that is no field of the type."""
    return Condition(comparison(kind), description, lambda row, given, _: given.holds(of(row)), resource)


def compared_any(
    description: str,
    kind: Any,
    of: Callable[[FromClause, ReadContext], Select[Any]],
    *,
    resource: str | None = None,
) -> Condition:
    """The same over the values of related rows: `of` selects them, in one column, for the row of the alias.

    One of them must be equal to (eq, in, the ranges), none may be (ne), or there is none at all (isNull).
    """

    def build(row: FromClause, given: Comparison, context: ReadContext) -> ColumnElement[bool]:
        return given.holds_for_any(of(row, context))

    return Condition(comparison(kind), description, build, resource)


def starting_with(description: str, column: str) -> Condition:
    """A filter for the beginning of a text, whatever its case.

    `column` holds the text in small letters under collation C: a range over it uses its index beneath row-level
    security; LIKE would not (data.md, 4).
    """

    def build(row: FromClause, given: Comparison, _: ReadContext) -> ColumnElement[bool]:
        prefix = func.lower(given.parameters.argument(given.given, Text()))
        return and_(row.c[column] >= prefix, row.c[column] < prefix + LARGEST_CHARACTER)

    return Condition(str, description, build)


def filter_input(
    owner: type, columns: Mapping[str, tuple[ColumnField, Any]], conditions: Mapping[str, Condition]
) -> type | None:
    """`<Type>Filter` of a declared type, or None when nothing can be filtered. `columns`: name -> (field, type)."""
    annotations: dict[str, Any] = {}
    members: dict[str, Any] = {}

    def add(name: str, kind: Any, description: str) -> None:
        annotations[name] = Optional[kind]  # noqa: UP045
        members[name] = strawberry.field(default=None, name=graph_name(name), description=description)

    for name, (field, kind) in columns.items():
        if field.filter:
            add(name, comparison(kind), field.description)
        if field.search is not None:
            add("search", str, "Beginnings of words of the name, in any order.")
    for name, condition in conditions.items():
        add(name, condition.type, condition.description)
    if not annotations:
        return None
    title = f"{owner.__name__}Filter"
    itself: Any = Annotated[title, strawberry.lazy(owner.__module__)]
    for name, text in (("and_", "All of these hold."), ("or_", "One of these holds.")):
        annotations[name] = Optional[list[itself]]  # noqa: UP045
        members[name] = strawberry.field(default=None, name=graph_name(name), description=text)
    annotations["not_"] = Optional[itself]  # noqa: UP045
    members["not_"] = strawberry.field(default=None, name="not", description="This does not hold.")
    cls = type(title, (), {"__annotations__": annotations, "__module__": owner.__module__, **members})
    made = strawberry.input(cls, description=f"Which {owner.__name__} rows; all that is given must hold.")
    setattr(sys.modules[owner.__module__], title, made)  # where the lazy reference to itself looks it up
    return made


def order_enum(owner: type, columns: Mapping[str, tuple[ColumnField, Any]]) -> type[Enum] | None:
    """`<Type>Order`, an ascending and a descending value for each orderable column."""
    members: dict[str, str] = {}
    descriptions: dict[str, str] = {}
    for name, (field, _) in columns.items():
        if field.order:
            title = name.rstrip("_").upper()
            members |= {f"{title}_ASC": name, f"{title}_DESC": f"{name} desc"}
            descriptions |= {
                f"{title}_ASC": f"{field.description} Ascending.",
                f"{title}_DESC": f"{field.description} Descending.",
            }
    if not members:
        return None
    made: type[Enum] = StrEnum(f"{owner.__name__}Order", members, module=owner.__module__)  # type: ignore[misc]
    strawberry.enum(made, description=f"Orders of {owner.__name__} lists; id breaks every tie.")
    definition: StrawberryEnumDefinition = vars(made)["__strawberry_definition__"]
    for value in definition.values:
        value.description = descriptions[value.name]
    setattr(sys.modules[owner.__module__], made.__name__, made)  # where connections elsewhere look it up
    return made
