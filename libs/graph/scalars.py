"""Scalars of the graph (graph.md, "Shape"), parsed strictly: what is not meant never reaches an operation."""

from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, NewType, Self
from uuid import UUID

import strawberry
from graphql import GraphQLScalarType
from strawberry.types.scalar import ScalarDefinition

EmailAddress = NewType("EmailAddress", str)
PhoneNumber = NewType("PhoneNumber", str)
Rupiah = NewType("Rupiah", int)
Score = NewType("Score", Decimal)

_LARGEST_SAFE_INTEGER = 2**53
_YEARS = range(1900, 2201)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")  # noqa: TRY004 - graphql-core turns ValueError into a coercion error
    return value


def _uuid(value: Any) -> UUID:
    text = _text(value)
    try:
        return UUID(text)
    except ValueError as error:
        raise ValueError("must be a UUID") from error


def _within_years(value: date) -> None:
    if value.year not in _YEARS:
        raise ValueError(f"must lie in the years {_YEARS.start} to {_YEARS.stop - 1}")


def _date(value: Any) -> date:
    text = _text(value)
    if len(text) != len("2026-11-22"):
        raise ValueError("must be a date like 2026-11-22")
    parsed = date.fromisoformat(text)
    _within_years(parsed)
    return parsed


def _datetime(value: Any) -> datetime:
    parsed = datetime.fromisoformat(_text(value))
    if parsed.tzinfo is None:
        raise ValueError("must say its offset, like 2026-11-22T08:00:00Z")
    _within_years(parsed)
    return parsed.astimezone(UTC)


def _time(value: Any) -> time:
    parsed = time.fromisoformat(_text(value))
    if parsed.tzinfo is not None:
        raise ValueError("must be a time of the school's own clock, without an offset")
    return parsed


def _rupiah(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _LARGEST_SAFE_INTEGER:
        raise ValueError("must be whole rupiah, at most 2^53")
    return value


def _score(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a number")  # noqa: TRY004 - as above
    try:
        score = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError("must be a number") from error
    if not score.is_finite() or score != round(score, 2):
        raise ValueError("must have at most two digits after the point")
    return score


class _IdType(GraphQLScalarType):
    """GraphQL's own ID, with UUIDs on the Python side; graphql-core reserves the name, hence its own `__new__`."""

    def __new__(cls, *_: Any, **__: Any) -> Self:
        return object.__new__(cls)


_ID = _IdType("ID", description="Identity: a UUID.", serialize=str, parse_value=_uuid)


def _scalar(name: str, description: str, serialize: Any, parse: Any) -> ScalarDefinition:
    return strawberry.scalar(name=name, description=description, serialize=serialize, parse_value=parse)


SCALARS: dict[object, ScalarDefinition] = {
    UUID: ScalarDefinition(
        name="ID",
        description=_ID.description,
        specified_by_url=None,
        serialize=str,
        parse_value=_uuid,
        parse_literal=None,
        implementation=_ID,
    ),
    date: _scalar("Date", "A day, like 2026-11-22; years 1900 to 2200.", date.isoformat, _date),
    datetime: _scalar(
        "DateTime",
        "A moment in UTC, like 2026-11-22T08:00:00Z.",
        lambda value: value.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        _datetime,
    ),
    time: _scalar("LocalTime", "A time of the school's own clock, like 07:30.", lambda v: v.isoformat(), _time),
    EmailAddress: _scalar("EmailAddress", "An e-mail address.", str, _text),
    PhoneNumber: _scalar(
        "PhoneNumber", "A telephone number in E.164, like +6281234567890; 08… is accepted.", str, _text
    ),
    Rupiah: _scalar("Rupiah", "Whole rupiah.", int, _rupiah),
    Score: _scalar("Score", "A mark with at most two digits after the point.", float, _score),
}
"""Python type -> scalar of the graph, for every subgraph's schema."""
