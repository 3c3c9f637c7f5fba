"""Relay connections: their types, opaque cursors, and the keyset pages behind them (never OFFSET)."""

import base64
import binascii
import hashlib
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Generic, Optional, TypeVar
from uuid import UUID

import orjson
import strawberry
from sqlalchemy import ColumnElement, Select, and_, or_

from libs.graph.context import Info
from libs.graph.errors import RequestRefused

if TYPE_CHECKING:
    from libs.graph.entity import Entity

T = TypeVar("T")
DEFAULT_PAGE = 20
LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows with what is needed to go on from it."""

    rows: Sequence[Any]
    cursors: Sequence[str]
    has_next: bool
    has_previous: bool
    count: Callable[[], Awaitable[int]]


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
    page: strawberry.Private[Page]

    @strawberry.field(description="The rows with their cursors.")
    def edges(self) -> list[Edge[T]]:
        return [Edge(cursor=cursor, node=row) for row, cursor in zip(self.page.rows, self.page.cursors, strict=True)]

    @strawberry.field(description="The rows.")
    def nodes(self) -> list[T]:
        return list(self.page.rows)

    @strawberry.field(description="Where the page stands.")
    def page_info(self) -> PageInfo:
        cursors = self.page.cursors
        return PageInfo(
            has_next_page=self.page.has_next,
            has_previous_page=self.page.has_previous,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        )

    @strawberry.field(description="How many rows the list has; counted only when asked for.")
    async def total_count(self) -> int:
        return await self.page.count()


def with_paging_arguments(resolver: Callable[..., Any], filter_type: Any, order_type: Any) -> Callable[..., Any]:
    """Gives `resolver(root, info, arguments)` the arguments of every connection; the types may be lazy, or None."""

    def argument(kind: Any, description: str) -> Any:
        return Annotated[Optional[kind], strawberry.argument(description=description)]  # noqa: UP045 - run time

    arguments = {
        "first": argument(int, f"Rows from the start, at most {LARGEST_PAGE}; {DEFAULT_PAGE} when nothing is said."),
        "after": argument(str, "Only rows after this cursor."),
        "last": argument(int, f"Rows from the end, at most {LARGEST_PAGE}."),
        "before": argument(str, "Only rows before this cursor."),
    }
    if order_type is not None:
        arguments = {"order_by": argument(list[order_type], "Order; id breaks ties."), **arguments}
    if filter_type is not None:
        arguments = {"filter": argument(filter_type, "Which rows; all that is given must hold."), **arguments}

    async def page(root: Any, info: Info, **given: Any) -> Any:
        return await resolver(root, info, given)

    # strawberry reads a field's arguments off its resolver's signature.
    kinds = inspect.Parameter
    page.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            kinds("root", kinds.POSITIONAL_OR_KEYWORD, annotation=Any),
            kinds("info", kinds.POSITIONAL_OR_KEYWORD, annotation=Info),
            *(kinds(name, kinds.KEYWORD_ONLY, default=None, annotation=kind) for name, kind in arguments.items()),
        ]
    )
    page.__annotations__ = {"root": Any, "info": Info, **arguments}
    return page


@dataclass(frozen=True, slots=True)
class Window:
    """What the arguments of a connection ask for: an order, a size, a direction and where to go on from."""

    terms: tuple[tuple[str, bool], ...]  # attribute, descending; the last one is id
    size: int
    backward: bool
    cursor: tuple[Any, ...] | None
    fingerprint: str

    @classmethod
    def of(cls, entity: "Entity", arguments: dict[str, Any], default_order: str) -> "Window":
        """Reads the arguments. Raises RequestRefused PAGE_TOO_LARGE or BAD_REQUEST."""
        first, last = arguments.get("first"), arguments.get("last")
        after, before = arguments.get("after"), arguments.get("before")
        if first is not None and last is not None:
            raise RequestRefused("BAD_REQUEST", "Ask for first or last, not both.")
        backward = last is not None
        size = last if last is not None else DEFAULT_PAGE if first is None else first
        if size < 0:
            raise RequestRefused("BAD_REQUEST", "A page cannot have fewer than 0 rows.")
        if size > LARGEST_PAGE:
            raise RequestRefused("PAGE_TOO_LARGE", f"A page has at most {LARGEST_PAGE} rows; go on with after.")
        if (after is not None and backward) or (before is not None and not backward):
            raise RequestRefused("BAD_REQUEST", "Use first with after, last with before.")
        orders = arguments.get("order_by") or [part.strip() for part in default_order.split(",")]
        terms = tuple(_term(str(order)) for order in orders)
        if not any(name == "id" for name, _ in terms):
            terms += (("id", False),)
        fingerprint = _fingerprint(entity.name, terms, arguments.get("filter"))
        given = before if backward else after
        cursor = None if given is None else _decoded(given, fingerprint, [entity.type_of(name) for name, _ in terms])
        return cls(terms, size, backward, cursor, fingerprint)

    def apply(self, statement: Select[Any], columns: dict[str, ColumnElement[Any]]) -> Select[Any]:
        """Orders, cuts and limits a statement: one row more than the page, which tells whether others follow."""
        statement = statement.order_by(
            *(columns[name].desc() if down != self.backward else columns[name].asc() for name, down in self.terms)
        )
        if self.cursor is not None:
            statement = statement.where(self._beyond(columns, self.cursor))
        return statement.limit(self.size + 1)

    def _beyond(self, columns: dict[str, ColumnElement[Any]], cursor: tuple[Any, ...]) -> ColumnElement[bool]:
        alternatives = []
        for position, (name, down) in enumerate(self.terms):
            same = [columns[n] == cursor[i] for i, (n, _) in enumerate(self.terms[:position])]
            column, value = columns[name], cursor[position]
            alternatives.append(and_(*same, column < value if down != self.backward else column > value))
        return or_(*alternatives)

    def page(self, rows: list[Any], count: Callable[[], Awaitable[int]]) -> Page:
        """The page from the rows of `apply`'s statement."""
        more = len(rows) > self.size
        kept = rows[: self.size]
        if self.backward:
            kept.reverse()
        cursors = [_encoded(self.fingerprint, [getattr(row, name) for name, _ in self.terms]) for row in kept]
        cut = self.cursor is not None
        return Page(kept, cursors, cut if self.backward else more, more if self.backward else cut, count)


def _term(order: str) -> tuple[str, bool]:
    name, _, direction = order.partition(" ")
    return name, direction == "desc"


def _fingerprint(entity: str, terms: tuple[tuple[str, bool], ...], given: Any) -> str:
    """Binds a cursor to its list: with another order or filter it would point anywhere."""
    return hashlib.blake2s(repr((entity, terms, given)).encode(), digest_size=6).hexdigest()


def _encoded(fingerprint: str, values: list[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([fingerprint, *values])).decode().rstrip("=")


def _decoded(cursor: str, fingerprint: str, types: list[type]) -> tuple[Any, ...]:
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
