"""Inputs that are wrong in one place each, made from a mutation's input type and an input that is right."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from graphql import (
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    Undefined,
    get_named_type,
    get_nullable_type,
)

Path = tuple[str, ...]

LONG = "x" * 10_000
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
    for path, field in _fields(kind, base):
        name = ".".join(("input", *path))
        for label, value, is_foreign in _values(field, foreign.get(name)):
            yield Case(name, label, _with(base, path, value), is_foreign)
        if isinstance(field.type, GraphQLNonNull):
            yield Case(name, "null", _with(base, path, None))
            if field.default_value is Undefined:
                yield Case(name, "missing", _without(base, path))


def _fields(kind: GraphQLInputObjectType, base: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    for name, field in kind.fields.items():
        named = get_named_type(field.type)
        inner = base.get(name)
        if isinstance(named, GraphQLInputObjectType) and isinstance(inner, dict):
            yield from _fields(named, inner, (*path, name))
        yield (*path, name), field


def _values(field: GraphQLInputField, foreign: str | None) -> Iterator[tuple[str, Any, bool]]:
    kind = get_nullable_type(field.type)
    named = get_named_type(field.type)
    if isinstance(named, GraphQLInputObjectType):
        yield from ((label, value, False) for label, value in (("text", "x"), ("a number", 5), ("deep", _deep())))
        return
    values = _ENUM if isinstance(named, GraphQLEnumType) else VALUES[named.name]
    if isinstance(kind, GraphQLList):
        yield from (("a list with null", [None], False), ("too many", ["x"] * 10_001, False), ("no list", 5, False))
        values = {f"a list with {label}": [value] for label, value in values.items()}
    yield from ((label, value, False) for label, value in values.items())
    assert isinstance(named, GraphQLScalarType | GraphQLEnumType)
    if named.name == "ID":
        yield "nobody's id", str(uuid4()), True
        if foreign is not None:
            yield "another school's id", foreign, True


def _with(base: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    changed: dict[str, Any] = copy.deepcopy(dict(base))
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return changed


def _without(base: Mapping[str, Any], path: Path) -> dict[str, Any]:
    changed = _with(base, path, None)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return changed


def _deep(levels: int = 60) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"a": [value]}
    return value
