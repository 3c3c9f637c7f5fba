"""Relay connections: their types, arguments, opaque cursors, and the keyset windows behind them (never OFFSET)."""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Generic, Optional, TypeVar
from uuid import UUID

import orjson
import strawberry
from sqlalchemy import ColumnElement, Integer, Text, and_, func, or_, tuple_
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument

from libs.graph.arguments import Parameters, Request, filled
from libs.graph.errors import RequestRefused
from libs.graph.fields import graph_name, terms_of

if TYPE_CHECKING:
    from libs.graph.entity import Entity

T = TypeVar("T")
Columns = ReadOnlyColumnCollection[str, Any]
DEFAULT_PAGE = 20
LARGEST_PAGE = 100


@strawberry.federation.type(shareable=True, description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more rows follow.")
    has_previous_page: bool = strawberry.field(description="Whether rows come before.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first row.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last row.")


@strawberry.type(description="A row of a list with its cursor.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="Where the row stands; give it to `after` or `before`.")
    node: T = strawberry.field(description="The row.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The rows with their cursors.")
    nodes: list[T] = strawberry.field(description="The rows.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="How many rows the list has; counted only when asked for.")


def paging_arguments(filter_type: Any, order_type: Any) -> list[StrawberryArgument]:
    """The arguments of every connection; the types may be lazy, or None."""
    described: dict[str, tuple[Any, str]] = {
        "first": (int, f"Rows from the start, at most {LARGEST_PAGE}; {DEFAULT_PAGE} when nothing is said."),
        "after": (str, "Only rows after this cursor."),
        "last": (int, f"Rows from the end, at most {LARGEST_PAGE}."),
        "before": (str, "Only rows before this cursor."),
    }
    if order_type is not None:
        described = {"order_by": (list[order_type], "Order; id breaks ties."), **described}
    if filter_type is not None:
        described = {"filter": (filter_type, "Which rows; all that is given must hold."), **described}
    return [
        StrawberryArgument(
            python_name=name,
            graphql_name=graph_name(name),
            type_annotation=StrawberryAnnotation(Annotated[Optional[kind], None]),  # noqa: UP045 - at run time
            description=text,
            default=None,
        )
        for name, (kind, text) in described.items()
    ]


@dataclass(frozen=True, slots=True)
class Window:
    """What the arguments of a connection ask for: an order, a size, a direction and where to go on from."""

    entity: "Entity"
    arguments: Mapping[str, Any]
    terms: tuple[tuple[str, bool], ...]  # column, descending; the last one is id
    backward: bool
    parameters: Parameters

    @classmethod
    def of(cls, entity: "Entity", arguments: Mapping[str, Any], default_order: str, parameters: Parameters) -> "Window":
        """Reads the form of the arguments. Raises RequestRefused BAD_REQUEST for what contradicts itself."""
        given = {name for name, value in arguments.items() if value is not None}
        if {"first", "last"} <= given:
            raise RequestRefused("BAD_REQUEST", "Ask for first or last, not both.")
        backward = "last" in given
        if ("after" in given and backward) or ("before" in given and not backward):
            raise RequestRefused("BAD_REQUEST", "Use first with after, last with before.")
        orders = arguments.get("orderBy") or [default_order]
        return cls(entity, arguments, terms_of(",".join(str(order) for order in orders)), backward, parameters)

    @property
    def goes_on(self) -> bool:
        """Whether the page continues from a cursor."""
        return self.arguments.get("before" if self.backward else "after") is not None

    def size(self, request: Request) -> int:
        """Rows of a page. Raises RequestRefused PAGE_TOO_LARGE or BAD_REQUEST."""
        given = filled(self.arguments.get("last" if self.backward else "first"), request.variables)
        size: int = DEFAULT_PAGE if given is None else given
        if size < 0:
            raise RequestRefused("BAD_REQUEST", "A page cannot have fewer than 0 rows.")
        if size > LARGEST_PAGE:
            raise RequestRefused("PAGE_TOO_LARGE", f"A page has at most {LARGEST_PAGE} rows; go on with after.")
        return size

    def check(self, request: Request) -> None:
        """For a list of which no page is asked: its arguments are refused all the same. Raises RequestRefused."""
        self.size(request)
        if self.goes_on:
            self._cursor(request)

    def limit(self, *, more: bool) -> ColumnElement[int]:
        """The size as a parameter; `more`: one row beyond it, which tells whether others follow."""
        return self.parameters.add(Integer(), lambda request: self.size(request) + more)

    def order(self, columns: Columns) -> list[ColumnElement[Any]]:
        """ORDER BY of the page as it is fetched: from the end when it goes backward."""
        return [columns[name].desc() if down != self.backward else columns[name].asc() for name, down in self.terms]

    def beyond(self, columns: Columns) -> list[ColumnElement[bool]]:
        """The condition that a row lies beyond the cursor; none without one."""
        if not self.goes_on:
            return []
        left = [columns[name] for name, _ in self.terms]
        right = [
            self.parameters.add(column.type, partial(self._value, position)) for position, column in enumerate(left)
        ]
        ways = {down != self.backward for _, down in self.terms}
        if len(ways) == 1:  # a row value is one range of the index
            return [tuple_(*left) < tuple_(*right) if ways == {True} else tuple_(*left) > tuple_(*right)]
        alternatives = []
        for position, (_, down) in enumerate(self.terms):
            same = [left[at] == right[at] for at in range(position)]
            further = left[position] < right[position] if down != self.backward else left[position] > right[position]
            alternatives.append(and_(*same, further))
        return [or_(*alternatives)]

    def cursor_of(self, columns: Columns) -> ColumnElement[str]:
        """The cursor of a row: what `decoded` reads back."""
        mark = self.parameters.add(Text(), self._fingerprint)
        parts = func.json_build_array(mark, *(columns[name] for name, _ in self.terms))
        encoded = func.encode(func.convert_to(parts.cast(Text), "UTF8"), "base64")
        return func.translate(encoded, "+/=\n", "-_")

    def _fingerprint(self, request: Request) -> str:
        """Binds a cursor to its list: with another order or filter it would point anywhere."""
        given = filled(self.arguments.get("filter"), request.variables)
        told = repr((self.entity.name, self.terms, given))
        return hashlib.blake2s(told.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()

    def _value(self, position: int, request: Request) -> Any:
        return self._cursor(request)[position]

    def _cursor(self, request: Request) -> tuple[Any, ...]:
        given = filled(self.arguments["before" if self.backward else "after"], request.variables)
        source = self.entity.source
        assert source is not None
        types = [source.c[name].type.python_type for name, _ in self.terms]
        return _decoded(given, self._fingerprint(request), types)


def _decoded(cursor: str, fingerprint: str, types: Sequence[type]) -> tuple[Any, ...]:
    try:
        made_for, *values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if made_for == fingerprint and len(values) == len(types):
            return tuple(_typed(value, kind) for value, kind in zip(values, types, strict=True))
    except (ValueError, TypeError, binascii.Error):
        pass  # told below, like a cursor of another list
    raise RequestRefused("BAD_REQUEST", "The cursor belongs to another list, order or filter.", argument="cursor")


def _typed(value: Any, kind: type) -> Any:
    if kind is UUID:
        return UUID(value)
    if kind in (date, datetime):
        return kind.fromisoformat(value)
    if not isinstance(value, kind):
        raise TypeError(kind.__name__)
    return value
