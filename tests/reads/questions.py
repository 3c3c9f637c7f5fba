"""Documents made from a schema, and the answers that the model of who sees what (seen.py) expects of them.

Lists are compared without their order, and places of errors without positions: the order is the differential test's.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
)

from tests.reads import seen_roles
from tests.reads.families import Row
from tests.reads.seen import STUBS, Seen, column_of, told

FORBIDDEN = "FORBIDDEN"
PAGE = "(first: 20)"  # more than any list has, and not so many that three levels of them are too costly
Path = tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """A field with what is asked of its value."""

    name: str
    below: tuple["Asked", ...] = ()
    arguments: str = ""

    def __str__(self) -> str:
        inner = f" {{ {' '.join(map(str, self.below))} }}" if self.below else ""
        return f"{self.name}{self.arguments}{inner}"


def kind_of(definition: GraphQLField) -> str:
    """The name of the type of a field."""
    return get_named_type(definition.type).name


def target_of(kind: str) -> str:
    """The type whose rows a connection or figures are about."""
    return kind.removesuffix("Connection").removesuffix("Aggregates")


class Documents:
    """What can be asked of a schema. `admits` says of a type whether fields that lead to it are asked."""

    def __init__(self, schema: GraphQLSchema, admits: Callable[[str], bool]) -> None:
        self.schema = schema
        self.admits = admits

    def type(self, kind: str) -> GraphQLObjectType:
        """An object type."""
        found = self.schema.type_map[kind]
        assert isinstance(found, GraphQLObjectType)
        return found

    def of(self, name: str, definition: GraphQLField, depth: int, arguments: str = "") -> Asked | None:
        """A field with all that its type has, `depth` relations deep; None where it is too deep or not admitted."""
        kind = kind_of(definition)
        if not isinstance(self.schema.type_map[kind], GraphQLObjectType):
            return Asked(name)
        if depth < 0 or not self.admits(kind):
            return None
        if kind.endswith("Connection"):
            return Asked(name, self._page(target_of(kind), depth), arguments or PAGE)
        if kind.endswith("Aggregates"):
            return Asked(name, self._figures(kind), arguments)
        return Asked(name, self.fields(kind, depth), arguments)

    def fields(self, kind: str, depth: int) -> tuple[Asked, ...]:
        """Every field of a type that is admitted."""
        found = (self.of(name, definition, depth - 1) for name, definition in self.type(kind).fields.items())
        return (Asked("__typename"), *(each for each in found if each is not None))

    def _page(self, kind: str, depth: int) -> tuple[Asked, ...]:
        edges = Asked("edges", (Asked("cursor"), Asked("node", (Asked("id"),))))
        return (Asked("totalCount"), Asked("nodes", self.fields(kind, depth)), edges)

    def _figures(self, kind: str) -> tuple[Asked, ...]:
        found = []
        for name, definition in self.type(kind).fields.items():
            inner = kind_of(definition)
            is_object = isinstance(self.schema.type_map[inner], GraphQLObjectType)
            found.append(Asked(name, self._keys(inner)) if is_object else Asked(name))
        return tuple(found)

    def _keys(self, kind: str) -> tuple[Asked, ...]:
        found = (self.of(name, definition, 0) for name, definition in self.type(kind).fields.items())
        return tuple(each for each in found if each is not None)

    def groups(self, definition: GraphQLField) -> list[str]:
        """The values of `groupBy`."""
        kind = get_named_type(definition.args["groupBy"].type)
        assert isinstance(kind, GraphQLEnumType)
        return list(kind.values)


class Missing(Exception):
    """The nearest parent that may be null becomes it."""


@dataclass
class Expected:
    """The answer that the model expects: data, errors that must be told, and of each group of others at least one.

    Errors that hide each other are a group: which one of them is told depends on the order in which fields complete.
    """

    seen: Seen
    schema: GraphQLSchema
    errors: list[tuple[Path, str]] = field(default_factory=list)
    groups: list[set[tuple[Path, str]]] = field(default_factory=list)

    def root(self, asked: Asked, make: Callable[[], Any]) -> Any:
        """The data of a document with one root field; `make` gives its rows, or PermissionError."""
        definition = self.schema.query_type.fields[asked.name]
        try:
            return {asked.name: self._guarded(definition, asked, (asked.name,), make)}
        except Missing:
            self.groups.append(set(self.errors))
            self.errors.clear()
            return None

    def _guarded(self, definition: GraphQLField, asked: Asked, path: Path, make: Callable[[], Any]) -> Any:
        before = len(self.errors)
        try:
            try:
                value = make()
            except PermissionError:
                self.errors.append((path, FORBIDDEN))
                raise Missing from None
            return self._completed(definition, value, asked, path)
        except Missing:
            if is_non_null_type(definition.type):
                raise
            if len(self.errors) > before:
                self.groups.append(set(self.errors[before:]))
                del self.errors[before:]
            return None

    def _completed(self, definition: GraphQLField, value: Any, asked: Asked, path: Path) -> Any:
        kind = kind_of(definition)
        if kind.endswith("Connection"):
            return self._page(target_of(kind), value, asked, path)
        if kind.endswith("Aggregates"):
            return sorted_list(self._figures(kind, value, asked, path))
        if not asked.below:
            return value
        if is_list_type(get_nullable_type(definition.type)):
            return self._list(kind, value, asked, path)
        if not value:
            if is_non_null_type(definition.type):
                self.errors.append((path, FORBIDDEN))
                raise Missing
            return None
        return self.object(kind, value[0], asked.below, path)

    def _list(self, kind: str, rows: Iterable[Row], asked: Asked, path: Path) -> list[Any]:
        found, failed = [], False
        for row in rows:
            try:
                found.append(self.object(kind, row, asked.below, path))
            except Missing:
                failed = True
        if failed:
            raise Missing
        return sorted_list(found)

    def _page(self, kind: str, rows: list[Row], asked: Asked, path: Path) -> dict[str, Any]:
        page: dict[str, Any] = {}
        for each in asked.below:
            if each.name == "totalCount":
                page[each.name] = len(rows)
            elif each.name == "nodes":
                page[each.name] = self._list(kind, rows, each, (*path, "nodes"))
            else:
                page[each.name] = sorted_list([{"node": {"id": told(row["id"])}} for row in rows])
        return page

    def object(self, kind: str, row: Row, asked: Iterable[Asked], path: Path) -> dict[str, Any]:
        """The fields of one object; all of them, so that whatever may be told is known."""
        found, failed = {}, False
        for each in asked:
            if each.name == "__typename":
                found[each.name] = kind
                continue
            definition = self.schema.type_map[kind].fields[each.name]
            try:
                make = lambda each=each, definition=definition: self._value(kind, row, each, definition)  # noqa: E731
                found[each.name] = self._guarded(definition, each, (*path, each.name), make)
            except Missing:
                failed = True
        if failed:
            raise Missing
        return found

    def _value(self, kind: str, row: Row, asked: Asked, definition: GraphQLField) -> Any:
        seen, target = self.seen, target_of(kind_of(definition))
        if needed := computed_by(seen, kind, asked.name):
            if row["id"] != seen.actor.user_id and needed not in seen.actor.permissions:
                raise PermissionError
            if needed in {"user:read", "role:read"}:
                return seen_roles.held(seen, row, asked.name)
            return row[asked.name] if asked.name in row else seen.leaf(kind, row, asked.name)
        if (kind, asked.name) == ("Role", "holders") and not {"role:assign", "user:read"} & seen.actor.permissions:
            raise PermissionError
        if not asked.below:
            return seen.leaf(kind, row, asked.name)
        if (seen.subgraph, target) in STUBS:
            identity = row[f"{column_of(asked.name)}_id"]
            return [] if identity is None else [{"id": identity}]
        if not seen.reads(target) or (kind_of(definition).endswith("Aggregates") and not seen.figures(target)):
            raise PermissionError
        return seen.related(kind, row, asked.name)[1]

    def _figures(self, kind: str, rows: list[Row], asked: Asked, path: Path) -> Iterator[dict[str, Any]]:
        by = asked.arguments.partition("[")[2].partition("]")[0]
        group = "".join(part.capitalize() if at else part.lower() for at, part in enumerate(by.split("_")))
        of = target_of(kind)
        keys = self.schema.type_map[f"{of}Keys"].fields
        parts: dict[Any, list[Row]] = {} if by else {None: rows}
        for row in rows if by else ():
            parts.setdefault(self._key(of, row, group, keys[group]), []).append(row)
        for value, part in parts.items():
            yield {
                each.name: (
                    {key.name: self._key_told(key, group, value, path) for key in each.below}
                    if each.name == "keys"
                    else self._figure(of, part, each.name)
                )
                for each in asked.below
            }

    def _key(self, kind: str, row: Row, name: str, definition: GraphQLField) -> Any:
        if not isinstance(get_named_type(definition.type), GraphQLObjectType):
            return self.seen.leaf(kind, row, name)
        sits = (each["class_id"] for each in self.seen.valid("enrollments") if each["student_id"] == row["id"])
        return next(sits, None)

    def _figure(self, kind: str, rows: list[Row], name: str) -> Any:
        if name == "count":
            return len(rows)
        numbers = [float(self.seen.leaf(kind, row, name)) for row in rows]
        if not numbers:
            return dict.fromkeys(("sum", "average", "min", "max"))
        total = sum(numbers)
        return {"sum": total, "average": total / len(numbers), "min": min(numbers), "max": max(numbers)}

    def _key_told(self, asked: Asked, name: str, value: Any, path: Path) -> Any:
        if asked.name != name:
            return None
        if not asked.below:
            return value
        _, found = self.seen.where("Class", id=value)
        return self.object("Class", found[0], asked.below, (*path, "keys", name)) if found else None


def computed_by(seen: Seen, kind: str, name: str) -> str | None:
    """The permission that a field needs on rows that are not the actor's own."""
    needed = {
        ("identity", "User"): {
            **dict.fromkeys(("email", "phone"), "user:read_contact"),
            **dict.fromkeys(
                ("emailVerified", "lastSignInAt", "mustChangePassword", "secondFactor"), "user:read_activity"
            ),
            **dict.fromkeys(("sessions", "devices"), "user:read_activity"),
            **dict.fromkeys(("roleAssignments", "effectivePermissions"), "role:read"),
            "roles": "user:read",
        },
        ("identity", "DeletedUser"): {"email": "user:read_contact"},
        ("academic", "Teacher"): {"nip": "teacher:read_nip"},
        ("admission", "AdmissionPeriod"): {"applicants": "application:read"},
    }
    return needed.get((seen.subgraph, kind), {}).get(name)


def sorted_list(values: Iterable[Any]) -> list[Any]:
    """A list in an order of its own."""
    return sorted(values, key=repr)


def normal(value: Any) -> Any:
    """An answer without cursors and the signatures of addresses, its lists in an order of their own."""
    if isinstance(value, dict):
        return {name: normal(each) for name, each in value.items() if name != "cursor"}
    if isinstance(value, str) and "signature=" in value:
        return urlsplit(value).path
    return sorted_list(map(normal, value)) if isinstance(value, list) else value


def places(errors: Iterable[dict[str, Any]]) -> set[tuple[Path, str]]:
    """Where which errors are told, without positions in lists."""
    return {
        (tuple(step for step in error.get("path", ()) if isinstance(step, str)), error["extensions"]["code"])
        for error in errors
    }
