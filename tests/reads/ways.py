"""Every way into the graph of a subgraph: its root fields with their arguments, and `_entities`."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type

from libs.auth import PUBLIC, Actor
from tests.reads.families import Row
from tests.reads.questions import Asked, Documents, kind_of, target_of
from tests.reads.seen import ROOT_PERMISSIONS, STUBS, Seen

_WITHOUT_ROWS = {
    *("_entities", "_service", "academicJob", "identityJob", "operationsJob", "applicationStatus"),
    *("passwordPolicy", "passwordRules", "passwordStrength"),
}
"""Long work, where an application stands, and what a school demands of passwords, are no rows that the engine reads."""
_FOR_EVERYBODY = {"openAdmissionPeriods": frozenset({"admission_period:read"})}
"""Lists that whoever asks sees with the same permissions, and these."""
_KEYS = {"student": ("nis", "nisn"), "publicSchool": ("slug", "npsn")}
_OF_THE_ACTOR: dict[str, Callable[[Seen, Row], bool]] = {
    "school": lambda seen, row: row["id"] == seen.actor.tenant_id,
    "tenant": lambda seen, row: row["id"] == seen.actor.tenant_id,
    "me": lambda seen, row: row["id"] == seen.actor.user_id,
    "activeSemester": lambda _, row: row["is_active"],
    "weeklySchedule": lambda seen, row: row["is_active"] and _active_semester(seen, row),
    "roles": lambda *_: True,
    "permissions": lambda *_: True,
    "openAdmissionPeriods": lambda seen, row: (
        row["status"] == "OPEN" and row["start_date"] <= seen.today <= row["end_date"]
    ),
}
"""Which row it is of root fields without an argument that names one."""


def _active_semester(seen: Seen, row: Row) -> bool:
    return bool(seen.by_id("semesters", row["semester_id"])["is_active"])


@dataclass(frozen=True)
class Way:
    """A root field as it is asked, and how the model finds its rows (PermissionError: not for this actor)."""

    asked: Asked
    variables: dict[str, Any]
    rows: Callable[[], Any]
    declared: str = ""
    reader: Actor | None = None
    """Who sees it, where that is not who asks."""

    @property
    def document(self) -> str:
        """The operation."""
        return f"query{self.declared} {{ {self.asked} }}"


@dataclass(frozen=True)
class Entry:
    """A way to objects of a type: the text around what is selected of them."""

    kind: str
    before: str
    after: str
    variables: dict[str, Any]

    def document(self, selection: str) -> str:
        """An operation that selects this of the objects."""
        return f"{self.before} {{ {selection} }} {self.after}"


@dataclass(frozen=True)
class Ways:
    """The root fields of one subgraph for one actor."""

    documents: Documents
    seen: Seen

    def roots(self, depth: int) -> Iterator[Way]:
        """Each root field in every form, with all that the actor may read, `depth` relations deep."""
        query = self.documents.schema.query_type
        for name, definition in query.fields.items():
            if name in _WITHOUT_ROWS:
                continue
            if name in _FOR_EVERYBODY:
                yield from self._for_everybody(name, definition, depth)
                continue
            keys = _KEYS.get(name, ()) + (("id",) if "id" in definition.args else ())
            if keys:
                for key in keys:
                    yield from self._by_key(name, definition, key)
            elif "groupBy" in definition.args:
                for group in ("", *self.documents.groups(definition)):
                    yield self._figures(name, definition, group)
            else:
                yield self._plain(name, definition, depth)

    def _asked(self, name: str, definition: GraphQLField, depth: int, arguments: str = "") -> Asked:
        everything = Documents(
            self.documents.schema, lambda kind: kind == kind_of(definition) or self.documents.admits(kind)
        )
        found = everything.of(name, definition, depth, arguments)
        assert found is not None
        return found

    def _plain(self, name: str, definition: GraphQLField, depth: int) -> Way:
        kind = target_of(kind_of(definition))

        def rows() -> list[Row]:
            self.check(name, kind)
            found = self.seen.rows(kind)
            if name == "classes":
                return self.seen.active(found)
            if kind_of(definition).endswith("Connection"):
                return found
            wanted = _OF_THE_ACTOR[name]
            return [row for row in found if wanted(self.seen, row)]

        return Way(self._asked(name, definition, depth), {}, rows)

    def _for_everybody(self, name: str, definition: GraphQLField, depth: int) -> Iterator[Way]:
        """Nothing at home on the platform, where no school is named."""
        if self.seen.school is not None:
            reader = replace(self.seen.actor, permissions=_FOR_EVERYBODY[name])
            yield replace(ways_of(replace(self.seen, actor=reader))._plain(name, definition, depth), reader=reader)

    def check(self, name: str, kind: str) -> None:
        """Raises PermissionError where the actor may not ask for a root field."""
        needed = ROOT_PERMISSIONS.get(name)
        if not self.seen.reads(kind) or (needed and needed not in self.seen.actor.permissions):
            raise PermissionError

    def _figures(self, name: str, definition: GraphQLField, group: str) -> Way:
        kind = target_of(kind_of(definition))
        key = "".join(part.capitalize() for part in group.split("_"))
        keys = self.documents.type(f"{kind}Keys").fields
        by = get_named_type(keys[key[0].lower() + key[1:]].type) if group else None

        def rows() -> list[Row]:
            self.check(name, kind)
            if not self.seen.figures(kind) or (isinstance(by, GraphQLObjectType) and not self.seen.reads(by.name)):
                raise PermissionError
            return self.seen.active(self.seen.rows(kind)) if name == "classAggregates" else self.seen.rows(kind)

        arguments = f"(groupBy: [{group}])" if group else ""
        return Way(self._asked(name, definition, 1, arguments), {}, rows)

    def _by_key(self, name: str, definition: GraphQLField, key: str) -> Iterator[Way]:
        kind = kind_of(definition)
        asked = self._asked(name, definition, 1, f"({key}: $key)")
        declared = f"($key: {'ID!' if key == 'id' and name != 'student' else 'ID' if key == 'id' else 'String'})"
        public = name == "publicSchool"
        for row in self._named(kind):

            def rows(row: Row = row) -> list[Row]:
                if not public:
                    self.check(name, kind)
                here = everywhere(self.seen, kind) if public else self.seen.rows(kind)
                return [each for each in here if each[key] == row[key]]

            reader = replace(self.seen.actor, permissions=PUBLIC.permissions) if public else None
            yield Way(asked, {"key": str(row[key])}, rows, declared, reader)

    def _named(self, kind: str) -> Iterator[Row]:
        """Rows to ask for one by one: all of the school's, and the first and last of the others."""
        for tenant_id, rows in groupby(everywhere(self.seen, kind), key=lambda row: row.get("tenant_id")):
            found = list(rows)
            yield from found if tenant_id in (None, self.seen.actor.tenant_id) else (found[0], found[-1])

    def entries(self) -> Iterator[Entry]:
        """Every way to objects that is admitted, from a root field or an entity, and from there by one relation."""
        for first in self._first_entries():
            yield first
            for name, definition in self.documents.type(first.kind).fields.items():
                leads_to = kind_of(definition)
                is_object = isinstance(self.documents.schema.type_map[leads_to], GraphQLObjectType)
                if is_object and self.documents.admits(leads_to) and not leads_to.endswith("Aggregates"):
                    yield from _onward(first, name, leads_to)

    def _first_entries(self) -> Iterator[Entry]:
        for name, definition in self.documents.schema.query_type.fields.items():
            kind = kind_of(definition)
            if name in _WITHOUT_ROWS or kind.endswith("Aggregates") or not self.documents.admits(kind):
                continue
            key = next((each for each in ("id", "slug") if each in definition.args), "")
            arguments, declared, variables = "", "", {}
            if key:
                rows = self.seen.rows(kind) or everywhere(self.seen, kind)
                arguments, variables = f"({key}: $key)", {"key": str(rows[0][key])}
                declared = f"query($key: {'ID' if name == 'student' else 'ID!' if key == 'id' else 'String'}) "
            start = Entry(kind, f"{declared}{{ {name}{arguments}", "}", variables)
            yield from _pages(start) if kind.endswith("Connection") else [start]
        for kind, way in self.entities(0):
            if self.seen.reads(kind):
                before = f"query{way.declared} {{ _entities(representations: $them) {{ ... on {kind}"
                yield Entry(kind, before, "} }", way.variables)

    def entities(self, depth: int) -> Iterator[tuple[str, Way]]:
        """Each entity, every row of it in every school; the model's rows have None where there is none."""
        union = self.documents.schema.type_map.get("_Entity")
        for kind in sorted(each.name for each in union.types) if union else ():
            ids = [row["id"] for row in everywhere(self.seen, kind)]
            below = (Asked(f"... on {kind}", self.documents.fields(kind, depth)),)

            def rows(kind: str = kind, ids: list[Any] = ids) -> list[Row | None]:
                if not self.seen.reads(kind):
                    raise PermissionError
                if (self.seen.subgraph, kind) in STUBS:
                    return [{"id": each} for each in ids]
                found = {row["id"]: row for row in self.seen.rows(kind)}
                return [found.get(each) for each in ids]

            references = [{"__typename": kind, "id": str(each)} for each in ids]
            asked = Asked("_entities", below, "(representations: $them)")
            yield kind, Way(asked, {"them": references}, rows, "($them: [_Any!]!)")


def _pages(start: Entry) -> Iterator[Entry]:
    kind = target_of(start.kind)
    yield Entry(kind, f"{start.before} {{ nodes", f"}} {start.after}", start.variables)
    yield Entry(kind, f"{start.before} {{ edges {{ node", f"}} }} {start.after}", start.variables)


def _onward(first: Entry, name: str, kind: str) -> Iterator[Entry]:
    onward = Entry(kind, f"{first.before} {{ {name}", f"}} {first.after}", first.variables)
    yield from _pages(onward) if kind.endswith("Connection") else [onward]


def everywhere(seen: Seen, kind: str) -> list[Row]:
    """The rows of a type in all schools, whoever may see them."""
    if (seen.subgraph, kind) in STUBS:
        subgraph, table = STUBS[seen.subgraph, kind]
        return [row for school in seen.schools.values() for row in _table(seen, school, subgraph, table)]
    views = [Seen(seen.schools, seen.platform_users, _at(seen, tenant), seen.subgraph) for tenant in seen.schools]
    return [row for view in views for row in view.everything(kind)]


def _table(seen: Seen, school: Any, subgraph: str, table: str) -> list[Row]:
    if table == "users":
        return school.users  # type: ignore[no-any-return]
    return Seen(seen.schools, [], seen.actor, subgraph).school_table(school, table)


def _at(seen: Seen, tenant_id: Any) -> Any:
    return replace(seen.actor, tenant_id=tenant_id)


def schema_of(subgraph: str) -> GraphQLSchema:
    """The schema as graphql-core has it."""
    schema: GraphQLSchema = importlib.import_module(f"subgraphs.{subgraph}.schema").schema._schema
    return schema


def ways_of(seen: Seen) -> Ways:
    """What there is to ask as an actor: nothing that is refused, so that one refusal hides nothing else."""

    def admits(kind: str) -> bool:
        if kind.endswith("Aggregates"):
            return seen.figures(target_of(kind))
        return (seen.subgraph, kind) in STUBS or seen.reads(target_of(kind))

    return Ways(Documents(schema_of(seen.subgraph), admits), seen)
