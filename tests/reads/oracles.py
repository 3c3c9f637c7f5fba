"""Filters as questions about rows that may not be seen: every field of every filter input with each of its comparisons."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLSchema, get_named_type

from tests.reads.families import Row
from tests.reads.questions import computed_by, kind_of, target_of
from tests.reads.seen import ROOT_PERMISSIONS, Seen, column_of, told

_BEGINNINGS = ("search", "nameStartsWith")
_CONDITIONS = {"classId": "class", "academicYearId": "academic_year", "homeroomTeacherId": "teacher"}
"""Filters by what is no field of the type, and what permission one needs to read what they ask about."""
_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, value: left == value,
    "in": lambda left, value: left == value,
    "ne": lambda left, value: left != value,
    "lt": lambda left, value: left < value,
    "lte": lambda left, value: left <= value,
    "gt": lambda left, value: left > value,
    "gte": lambda left, value: left >= value,
}


@dataclass(frozen=True)
class Oracle:
    """One root connection asked by one field of its filter, in every comparison, plain and negated."""

    root: str
    kind: str
    field: str
    filter_type: str
    comparisons: tuple[str, ...]

    @property
    def document(self) -> str:
        """An alias for each comparison; the whole filter is a variable."""
        keys = [*self.comparisons, "negated", "either"]
        declared = " ".join(f"${key}: {self.filter_type}" for key in keys)
        fields = " ".join(f"{key}: {self.root}(filter: ${key}) {{ totalCount }}" for key in keys)
        return f"query({declared}) {{ {fields} }}"

    def variables(self, row: Row) -> dict[str, Any]:
        """The filters about the value of a row."""
        value = self.value(row)
        found: dict[str, Any] = {name: {self.field: self._compared(name, value)} for name in self.comparisons}
        first = found[self.comparisons[0]]
        return found | {"negated": {"not": first}, "either": {"or": [first, first]}}

    def _compared(self, name: str, value: Any) -> Any:
        if name == "search":
            return value
        return {name: [value] if name == "in" else value}

    def value(self, row: Row) -> Any:
        """What the filter asks about: the row's own value, or where it has none one that no row has."""
        if self.field in _BEGINNINGS:
            return row["name" if "name" in row else "full_name"].rpartition("/")[0]
        if self.field == "classId":
            return "00000000-0000-7000-8000-000000000000"
        return told(row["id"] if self._held(row) is None else self._held(row))

    def _held(self, row: Row) -> Any:
        """The row's own value as it is kept."""
        if self.field == "role":
            return next(iter(row["roles"]), None)
        return row[column_of(self.field)]

    def permitted(self, seen: Seen) -> bool:
        """Whether the actor may ask the root field this."""
        resource = None if seen.subgraph == "admission" else _CONDITIONS.get(self.field)
        reads = resource is None or any(seen.may(resource, reach) for reach in ("", "_taught", "_own"))
        needed = computed_by(seen, self.kind, "roles" if self.field == "role" else self.field)
        reads = reads and (needed is None or needed in seen.actor.permissions)
        return reads and ROOT_PERMISSIONS.get(self.root, "graph:adhoc") in {*seen.actor.permissions, "graph:adhoc"}

    def expected(self, seen: Seen, row: Row) -> dict[str, int]:
        """How many of the visible rows hold; by comparison."""
        rows, value = seen.rows(self.kind), self.value(row)
        if self.root == "classes":
            rows = seen.active(rows) if self.field != "academicYearId" else rows
        counts = {name: sum(self._holds(name, seen, each, value) for each in rows) for name in self.comparisons}
        first = counts[self.comparisons[0]]
        everything = seen.active(seen.rows(self.kind)) if self.root == "classes" else rows
        return counts | {
            "negated": len(everything) - sum(self._holds(self.comparisons[0], seen, e, value) for e in everything),
            "either": first,
        }

    def _holds(self, name: str, seen: Seen, row: Row, value: Any) -> bool:
        if name == "search":
            return bool(self.value(row) == value)
        if self.field == "role":
            return value in row["roles"]
        if self.field == "classId":
            pupil = row["student_id"] if "student_id" in row else row["id"]
            sits = {str(each["class_id"]) for each in seen.valid("enrollments") if each["student_id"] == pupil}
            return value not in sits if name == "ne" else value in sits
        return _HOLDS[name](told(self._held(row)), value)


def oracles(schema: GraphQLSchema, seen: Seen) -> Iterator[Oracle]:
    """All of a schema."""
    for root, definition in schema.query_type.fields.items():
        if "filter" not in definition.args or not kind_of(definition).endswith("Connection"):
            continue
        filter_type = get_named_type(definition.args["filter"].type)
        assert isinstance(filter_type, GraphQLInputObjectType)
        for name, field in filter_type.fields.items():
            if name in ("and", "or", "not"):
                continue
            compared = get_named_type(field.type)
            names = tuple(compared.fields) if isinstance(compared, GraphQLInputObjectType) else ("search",)
            comparisons = tuple(each for each in names if each != "isNull")
            yield Oracle(root, target_of(kind_of(definition)), name, filter_type.name, comparisons)
