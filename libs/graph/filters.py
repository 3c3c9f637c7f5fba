"""Filter and order inputs, generated from the declarations, and their SQL."""

import operator
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, StrEnum
from typing import Annotated, Any, NewType, Optional
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, FromClause, Select, and_, exists, false, not_, or_, true
from strawberry.types.base import get_object_definition
from strawberry.types.enum import StrawberryEnumDefinition

from libs.graph.context import ReadContext
from libs.graph.errors import RequestRefused
from libs.graph.fields import ColumnField, Expression, printed_name

_MOST_VALUES = 100
_LARGEST_CHARACTER = "\U0010ffff"
_EQUALITY = {"eq": "Equal to this.", "in_": "Equal to one of these, at most 100.", "ne": "Not equal to this."}
_RANGE = {"lt": "Less than this.", "lte": "At most this.", "gt": "Greater than this.", "gte": "At least this."}
_TITLES = {str: "String", UUID: "ID", int: "Int", bool: "Boolean", date: "Date", datetime: "DateTime"}
_comparisons: dict[Any, type] = {}


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter that is more than a comparison of one column: `build(alias, value, context)` gives its SQL."""

    type: Any
    description: str
    build: Callable[[FromClause, Any, ReadContext], ColumnElement[bool]]


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
            name: strawberry.field(default=None, description=text, name=printed_name(name))
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


def compared(description: str, kind: Any, of: Expression) -> Condition:
    """A filter with the comparisons of `kind` over an expression that is no field of the type."""
    return Condition(comparison(kind), description, lambda alias, given, _: and_(true(), *_compare(of(alias), given)))


def compared_any(description: str, kind: Any, of: Callable[[FromClause, ReadContext], Select[Any]]) -> Condition:
    """The same over the values of related rows: `of` selects them, in one column, for the row of the alias.

    One of them must be equal to (eq, in, the ranges), none may be (ne), or there is none at all (isNull).
    """

    def build(alias: FromClause, given: Any, context: ReadContext) -> ColumnElement[bool]:
        values = of(alias, context)
        return and_(true(), *(_any_of(values, name, value) for name, value in vars(given).items() if value is not None))

    return Condition(comparison(kind), description, build)


def _any_of(values: Select[Any], name: str, value: Any) -> ColumnElement[bool]:
    if name == "is_null":
        return not_(values.exists()) if value else values.exists()
    if name == "ne":
        return not_(_any_of(values, "eq", value))
    (column,) = values.selected_columns
    return values.where(_OPERATORS[name](column, value)).exists()


def filter_input(
    owner: type, columns: Mapping[str, tuple[ColumnField, Any]], conditions: Mapping[str, Condition]
) -> type | None:
    """`<Type>Filter` of a declared type, or None when nothing can be filtered. `columns`: name -> (field, type)."""
    annotations: dict[str, Any] = {}
    members: dict[str, Any] = {}

    def add(name: str, kind: Any, description: str) -> None:
        annotations[name] = Optional[kind]  # noqa: UP045
        members[name] = strawberry.field(default=None, name=printed_name(name), description=description)

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
        members[name] = strawberry.field(default=None, name=printed_name(name), description=text)
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


def filter_sql(
    given: Any,
    alias: FromClause,
    columns: Mapping[str, ColumnField],
    conditions: Mapping[str, Condition],
    context: ReadContext,
) -> list[ColumnElement[bool]]:
    """The conditions of a filter input. Raises RequestRefused for lists that are too long."""
    found: list[ColumnElement[bool]] = []
    definition = get_object_definition(type(given), strict=True)
    for field in definition.fields:
        name, value = field.python_name, getattr(given, field.python_name)
        if value is None:
            continue
        if name in ("and_", "or_"):
            parts = [and_(true(), *filter_sql(each, alias, columns, conditions, context)) for each in _bounded(value)]
            found.append(and_(true(), *parts) if name == "and_" else or_(false(), *parts))
        elif name == "not_":
            found.append(not_(and_(true(), *filter_sql(value, alias, columns, conditions, context))))
        elif name == "search":
            found += [_word(alias, columns, word, context) for word in value.casefold().split()[:10]]
        elif name in conditions:
            found.append(conditions[name].build(alias, value, context))
        else:
            of = columns[name].of
            found += _compare(of(alias) if of else alias.c[name], value)
    return found


def _bounded(values: list[Any]) -> list[Any]:
    if len(values) > _MOST_VALUES:
        raise RequestRefused("BAD_REQUEST", f"A filter takes at most {_MOST_VALUES} values.")
    return values


_OPERATORS: dict[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "eq": operator.eq,
    "ne": lambda left, value: left.is_distinct_from(value),
    "in_": lambda left, value: left.in_(_bounded(value)),
    "is_null": lambda left, value: left.is_(None) if value else left.is_not(None),
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def _compare(left: ColumnElement[Any], given: Any) -> list[ColumnElement[bool]]:
    # Members of a StrEnum are their own text, so they bind like any string.
    return [_OPERATORS[name](left, value) for name, value in vars(given).items() if value is not None]


def _word(
    alias: FromClause, columns: Mapping[str, ColumnField], word: str, context: ReadContext
) -> ColumnElement[bool]:
    table, owner = next(field.search for field in columns.values() if field.search is not None)
    tokens = table.alias()
    # A range over text under collation C uses its index beneath row-level security; LIKE would not (data.md, rule 4).
    return exists().where(
        tokens.c.tenant_id == context.tenant_id,
        tokens.c[owner] == alias.c.id,
        tokens.c.token >= word,
        tokens.c.token < word + _LARGEST_CHARACTER,
    )
