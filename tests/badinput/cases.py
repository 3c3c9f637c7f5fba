"""Inputs that are wrong in one place each, made from a mutation's input type and an input that is right."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    Undefined,
    get_nullable_type,
)

Path = tuple[str | int, ...]

LONG = "x" * 10_000
_TOO_MANY = 10_001
_TEXTS = {
    "a number": 5,
    "a boolean": True,
    "an object": {"a": 1},
    "a list of objects": [{"a": 1}],
    "empty": "",
    "blank": " \t ",
    "oversized": LONG,
    "a control character": "a\x07b",
    "NUL": "a\x00b",
    "an escape": "\x1b[31mred",
}
_NUMBERS = {
    "text": "5",
    "a fraction": 1.5,
    "a boolean": True,
    "a list": [1, 2],
    "negative": -1,
    "below 32 bits": -(2**31) - 1,
    "beyond 32 bits": 2**31,
    "beyond 64 bits": 2**63,
    "beyond integers": 1e308,
    "largest": 2**31 - 1,
}
VALUES: Mapping[str, Mapping[str, Any]] = {
    "String": _TEXTS,
    "EmailAddress": {
        **_TEXTS,
        "no address": "nobody",
        "two at": "a@@b.test",
        "no host": "a@",
        "line break": "a@b.test\nBcc: c@d.test",
    },
    "PhoneNumber": {**_TEXTS, "letters": "zero eight", "too short": "08", "too long": "08" + "1" * 30},
    "ID": {
        "no UUID": "not-a-uuid",
        "empty": "",
        "a number": 7,
        "oversized": LONG,
        "NUL": "\x00" * 36,
        "injection": "'; drop table students; --",
        "a list": [],
    },
    "Int": _NUMBERS,
    "Rupiah": {
        "text": "five",
        "a fraction": 1.5,
        "a boolean": True,
        "a list": [1, 2],
        "negative": -1,
        "beyond what is paid": 2**52,
        "beyond what JavaScript counts": 2**53 + 1,
        "beyond 64 bits": 2**63,
        "beyond integers": 1e308,
    },
    "Score": {
        "text": "five",
        "three digits": 1.234,
        "a boolean": True,
        "a list": [1, 2],
        "negative": -1,
        "beyond every assessment": 2**31,
        "beyond numbers": 1e308,
    },
    "Boolean": {"text": "true", "a number": 1, "a list": []},
    "Date": {
        "year 1": "0001-01-01",
        "year 9999": "9999-12-31",
        "no day": "2026-02-30",
        "empty": "",
        "words": "tomorrow",
        "a number": 20260101,
        "a moment": "2026-01-01T00:00:00Z",
        "NUL": "2026-01-0\x00",
    },
    "LocalTime": {"hour 25": "25:00", "empty": "", "words": "noon", "a number": 7, "an offset": "07:15:00+07:00"},
}
_ENUM = {"unknown member": "NOPE", "a number": 1, "small letters": "sma", "a list": [], "NUL": "\x00"}


@dataclass(frozen=True)
class Case:
    """One wrong input. `path` is where it is wrong, `foreign` whether by naming what another school has, or nobody."""

    path: str
    label: str
    input: Any
    foreign: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.label}"


@dataclass(frozen=True)
class Place:
    """Where an input may be wrong: a field, or an element of a list. `needed` says whether leaving it out is wrong."""

    path: Path
    kind: GraphQLInputType
    given: Any
    needed: bool = False


def bad_inputs(kind: GraphQLInputObjectType, base: Mapping[str, Any], foreign: Mapping[str, str]) -> Iterator[Case]:
    """Every case of an input type. `foreign` gives another school's id by the path of a field."""
    for label, whole in (
        ("null", None),
        ("text", "x"),
        ("a number", 5),
        ("a list", [1]),
        ("empty", {}),
        ("deep", _deep()),
    ):
        yield Case("input", label, whole)
    yield Case("input.hackery", "unknown field", {**base, "hackery": 1})
    for place in _places(kind, base):
        name = told_path(place.path)
        for label, value, is_foreign in _values(place, foreign.get(name)):
            yield Case(name, label, _with(base, place.path, value), is_foreign)
        if isinstance(place.kind, GraphQLNonNull):
            yield Case(name, "null", _with(base, place.path, None))
        if place.needed:
            yield Case(name, "missing", _without(base, place.path))


def told_path(path: Path) -> str:
    """A path as faults tell it, like `input.entries[0].status`."""
    return "input" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def _places(kind: GraphQLInputObjectType, base: Mapping[str, Any], path: Path = ()) -> Iterator[Place]:
    for name, field in kind.fields.items():
        inner, given = (*path, name), base.get(name)
        yield from _inside(field.type, given, inner)
        needed = isinstance(field.type, GraphQLNonNull) and field.default_value is Undefined
        yield Place(inner, field.type, given, needed)


def _inside(kind: GraphQLInputType, given: Any, path: Path) -> Iterator[Place]:
    bare = get_nullable_type(kind)
    if isinstance(bare, GraphQLInputObjectType) and given is not None:
        yield from _places(bare, given, path)
    elif isinstance(bare, GraphQLList):
        assert given, f"{told_path(path)}: without elements nothing can be wrong with one"
        for position, each in enumerate(given):
            yield from _inside(bare.of_type, each, (*path, position))
            yield Place((*path, position), bare.of_type, each)


def _values(place: Place, foreign: str | None) -> Iterator[tuple[str, Any, bool]]:
    bare = get_nullable_type(place.kind)
    values: Mapping[str, Any]
    if isinstance(bare, GraphQLInputObjectType):
        values = {"text": "x", "a number": 5, "a list": [1], "empty": {}, "deep": _deep()}
        if place.given is not None:
            values = {**values, "an unknown field": {**place.given, "hackery": 1}}
    elif isinstance(bare, GraphQLList):
        values = {"no list": 5, "an object": {"a": "x"}, "too many": place.given[:1] * _TOO_MANY, "deep": _deep()}
    else:
        assert isinstance(bare, GraphQLScalarType | GraphQLEnumType)
        values = _ENUM if isinstance(bare, GraphQLEnumType) else VALUES[bare.name]
        if bare.name == "ID":
            yield "nobody's id", str(uuid4()), True
            if foreign is not None:
                yield "another school's id", foreign, True
    yield from ((label, value, False) for label, value in values.items())


def _with(base: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    changed: dict[str, Any] = copy.deepcopy(dict(base))
    _around(changed, path)[path[-1]] = value
    return changed


def _without(base: Mapping[str, Any], path: Path) -> dict[str, Any]:
    changed: dict[str, Any] = copy.deepcopy(dict(base))
    del _around(changed, path)[path[-1]]
    return changed


def _around(whole: Any, path: Path) -> Any:
    """The object or list that holds what a path leads to."""
    for step in path[:-1]:
        whole = whole[step]
    return whole


def _deep(levels: int = 60) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"a": [value]}
    return value
