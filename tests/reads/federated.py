"""The documents of the repository, and what each subgraph is asked of one, as the router would ask it."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_named_type,
    parse,
    print_ast,
    visit,
)

from libs.graph.entity import Entity, entities_of
from libs.graph.fields import ColumnField

ROOT = Path(__file__).parents[2]
_SOURCES = ("tests/journeys", "deploy/local/demo", "tests/benchmarks")
DASHBOARD = """
{ me { name roles { name } } school { name npsn overview { students classes teachers } }
  classes(first: 3) { nodes { name homeroomTeacher { user { name } } studentCount
    students(first: 36) { nodes { fullName gender guardians { name relation user { name email } }
      notifications(first: 1) { nodes { eventType status } } } } } } }
"""
"""What a principal sees first."""


@dataclass(frozen=True)
class Part:
    """What one subgraph is asked of a document: root fields, or the fields of an entity by references to it."""

    subgraph: str
    text: str
    entity: str | None = None


def documents() -> Iterator[str]:
    """Every query that stands in the repository as text."""
    yield DASHBOARD
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    yield from filter(_is_query, re.findall(r"```graphql\n(.*?)```", readme, re.DOTALL))
    for folder in _SOURCES:
        for path in sorted((ROOT / folder).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_query(node.value):
                    yield node.value


def _is_query(text: str) -> bool:
    if "{" not in text or "_entities" in text:  # references are asked in every form by test_plans.py itself
        return False
    try:
        parsed = parse(text)
    except GraphQLSyntaxError:
        return False
    return all(
        isinstance(each, OperationDefinitionNode) and each.operation is OperationType.QUERY
        for each in parsed.definitions
    )


def parts(text: str, schemas: Mapping[str, GraphQLSchema]) -> Iterator[Part]:
    """Splits a document by the subgraphs that own its fields."""
    for operation in parse(text).definitions:
        assert isinstance(operation, OperationDefinitionNode)
        for subgraph, schema in schemas.items():
            yield from _Split(schemas, operation).root(subgraph, schema)


@dataclass
class _Split:
    schemas: Mapping[str, GraphQLSchema]
    operation: OperationDefinitionNode
    elsewhere: dict[tuple[str, str], list[FieldNode]] = field(default_factory=lambda: defaultdict(list))

    def root(self, subgraph: str, schema: GraphQLSchema) -> Iterator[Part]:
        """The root fields that a subgraph has, then what they lead to in others."""
        known = tuple(
            each for each in self.operation.selection_set.selections if each.name.value in schema.query_type.fields
        )
        kept = [
            self._field(subgraph, schema.query_type, each) for each in known if not each.name.value.startswith("__")
        ]
        if not kept:
            return
        yield Part(subgraph, self._printed(kept))
        while self.elsewhere:
            (other, kind), nodes = self.elsewhere.popitem()
            of = self.schemas[other].type_map[kind]
            below = [self._field(other, of, node) for node in nodes]
            inner = " ".join(map(print_ast, below))
            variables = "".join(f" ${name}: {told}" for name, told in self._variables(below))
            them = f"_entities(representations: $them) {{ ... on {kind} {{ {inner} }} }}"
            yield Part(other, f"query($them: [_Any!]!{variables}) {{ {them} }}", kind)

    def _field(self, subgraph: str, kind: GraphQLObjectType, node: FieldNode) -> FieldNode:
        if node.selection_set is None:
            return node
        target = get_named_type(kind.fields[node.name.value].type)
        kept = []
        for each in node.selection_set.selections:
            if each.name.value.startswith("__") or each.name.value in target.fields:
                kept.append(self._field(subgraph, target, each) if each.name.value in target.fields else each)
            else:
                self.elsewhere[self._owner(target.name, each.name.value), target.name].append(each)
        kept = kept or [FieldNode(name=NameNode(value="__typename"))]
        return FieldNode(
            alias=node.alias,
            name=node.name,
            arguments=node.arguments,
            directives=node.directives,
            selection_set=SelectionSetNode(selections=tuple(kept)),
        )

    def _owner(self, kind: str, name: str) -> str:
        """The subgraph that has the field. StopIteration is a document that no subgraph knows."""
        typed = ((owner, schema.type_map.get(kind)) for owner, schema in self.schemas.items())
        return next(owner for owner, of in typed if isinstance(of, GraphQLObjectType) and name in of.fields)

    def _printed(self, fields: list[FieldNode]) -> str:
        declared = ", ".join(f"${name}: {told}" for name, told in self._variables(fields))
        return f"query{f'({declared})' if declared else ''} {{ {' '.join(map(print_ast, fields))} }}"

    def _variables(self, fields: list[FieldNode]) -> list[tuple[str, str]]:
        found = _Variables()
        for each in fields:
            visit(each, found)
        declared = self.operation.variable_definitions or ()
        return [(d.variable.name.value, print_ast(d.type)) for d in declared if d.variable.name.value in found.names]


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.names.add(node.name.value)


def declared(text: str) -> list[tuple[str, str]]:
    """The variables of an operation with their types."""
    document: DocumentNode = parse(text)
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    return [(each.variable.name.value, print_ast(each.type)) for each in operation.variable_definitions or ()]


@dataclass(frozen=True)
class Asked:
    """A connection in one order, under one filter that an index serves; of an entity where one is named."""

    name: str
    entity: str
    filter_type: str
    order: str
    field: str

    def document(self, page: str) -> str:
        """The operation; its filter is a variable."""
        order = f", orderBy: [{self.order}]" if self.order else ""
        kept = "(filter: $filter" if self.field else "("
        connection = f"{self.name}{kept} {page}{order}) {{ nodes {{ id }} pageInfo {{ hasNextPage endCursor }} }}"
        declared = f"$filter: {self.filter_type}" if self.field else ""
        if not self.entity:
            return f"query{f'({declared})' if declared else ''} {{ {connection} }}"
        them = f"_entities(representations: $them) {{ ... on {self.entity} {{ {connection} }} }}"
        return f"query($them: [_Any!]! {declared}) {{ {them} }}"

    def filter_for(self, ids: Mapping[str, Sequence[UUID]]) -> Any:
        """A filter that finds something, or no filter."""
        if not self.field:
            return None
        if self.field == "search":
            words = {"StudentFilter": "siswa5", "ApplicationFilter": "calon5", "DeletedUserFilter": "former"}
            return {"search": words.get(self.filter_type, "teacher")}
        if self.field == "nameStartsWith":
            return {"nameStartsWith": "school"}
        if self.field == "email":
            return {"email": {"eq": "teacher@x.test"}}
        kinds = {
            "classId": "class",
            "academicYearId": "year",
            "homeroomTeacherId": "teacher",
            "studentId": "student",
            "classSubjectId": "lesson",
            "periodId": "period",
        }
        own = {
            "ClassFilter": "class",
            "TeacherFilter": "teacher",
            "UserFilter": "guardian user",
            "InvoiceFilter": "invoice",
            "AdmissionPeriodFilter": "period",
            "ApplicationFilter": "application",
        }
        kind = own.get(self.filter_type, "student") if self.field == "id" else kinds.get(self.field)
        if kind:
            return {self.field: {"eq": str(ids[kind][2])}}
        return {self.field: {"eq": _VALUES_OF.get((self.filter_type, self.field), _VALUES.get(self.field, "000005"))}}


_VALUES = {
    "status": "ACTIVE",
    "level": 10,
    "startDate": "2026-01-01",
    "validFrom": "2026-01-01",
    "date": "2026-01-01",
    "createdAt": "2026-01-01T00:00:00Z",
    "deletedAt": "2026-01-01T00:00:00Z",
    "dueDate": "2026-01-01",
    "assessmentDate": "2026-01-01",
    "paidOn": "2026-01-01",
    "period": "2026-01",
    "frequency": "MONTHLY",
}
_VALUES_OF = {
    ("InvoiceFilter", "status"): "UNPAID",
    ("InvoiceFilter", "payer"): "APPLICANT",
    ("AttendanceFilter", "status"): "ABSENT",
    ("AdmissionPeriodFilter", "status"): "OPEN",
    ("ApplicationFilter", "status"): "SUBMITTED",
}
"""Of filters whose values have another type than those of their name elsewhere."""


def connections(schema: GraphQLSchema, subgraph: str) -> Iterator[Asked]:
    """Every connection at the root and of an entity, in every order, under every filter that an index serves."""
    of: list[tuple[str, GraphQLObjectType]] = [("", schema.query_type)]
    of += [(name, schema.type_map[name]) for name, entity in entities_of(subgraph).items() if entity.keyed]
    for owner, kind in of:
        for name, definition in kind.fields.items():
            target = get_named_type(definition.type).name.removesuffix("Connection")
            if "first" not in definition.args:
                continue
            orders = get_named_type(definition.args["orderBy"].type).values if "orderBy" in definition.args else ()
            for order in ("", *orders):
                for served in ("", *_served(entities_of(subgraph)[target])):
                    yield Asked(name, owner, f"{target}Filter", order, served)


def _served(entity: Entity) -> Iterator[str]:
    yield from entity.conditions
    for name, each in entity.fields.items():
        if isinstance(each.field, ColumnField) and each.field.filter and each.name in entity.indexed:
            yield name
        if isinstance(each.field, ColumnField) and each.field.search is not None:
            yield "search"
