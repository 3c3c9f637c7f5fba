"""No read scans a school where an index could serve: the plans of every document on a school of thousands."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest

from libs.auth import Actor
from libs.kernel import PLATFORM_TENANT_ID
from libs.testing import GraphClient, Template, actor_of, clone_database
from tests.reads import large
from tests.reads.explained import Explainer
from tests.reads.federated import ROOT, connections, declared, documents, parts
from tests.reads.stages import APPS, Ran, statements
from tests.reads.test_matrix import values_of
from tests.reads.ways import schema_of

SIZES = [10_000, pytest.param(100_000, marks=pytest.mark.deep)]
SCHEMAS = {each.parent.name: schema_of(each.parent.name) for each in sorted(ROOT.glob("subgraphs/*/schema.py"))}
"""The whole graph, whether this file asks it or not: a part of a document that no application answers is a fault."""
_KINDS = {
    "Student": "student",
    "User": "guardian user",
    "Class": "class",
    "Teacher": "teacher",
    "ClassSubject": "lesson",
    "Subject": "subject",
    "SchoolOverview": "tenant",
}
_VARIABLES = {
    "class": "class",
    "c": "class",
    "student": "student",
    "user": "guardian user",
    "year": "year",
    "s": "semester",
    "invoice": "invoice",
    "period": "period",
    "application": "application",
}


@dataclass
class LargeSchool:
    """The applications over it, and who asks."""

    size: int
    runner: asyncio.Runner
    graphs: dict[str, GraphClient]
    explainer: Explainer
    ids: dict[str, list[UUID]]

    def people(self) -> dict[str, Actor]:
        """One of every reach; the parent is of the seventh pupil, the teacher of five classes."""
        tenant = self.ids["tenant"][0]
        teacher, parent = self.ids["teacher user"][7], self.ids["guardian user"][7]
        return {
            "principal": actor_of("principal", tenant),
            "teacher": actor_of("teacher", tenant, user_id=teacher),
            "parent": actor_of("parent", tenant, user_id=parent, student_ids=(self.ids["student"][7],)),
            "both": self._both(tenant, teacher),
        }

    def _both(self, tenant: UUID, teacher: UUID) -> Actor:
        hats = [
            actor_of(role, tenant, user_id=teacher, student_ids=(self.ids["student"][9],))
            for role in ("teacher", "parent")
        ]
        return replace(hats[0], roles=("teacher", "parent"), permissions=hats[0].permissions | hats[1].permissions)

    def ask(self, subgraph: str, text: str, variables: dict[str, Any], actor: Actor) -> tuple[Any, list[str]]:
        """The answer to a document, and what its statements touch too much of."""
        assert subgraph in self.graphs, f"no application answers a part of {text}"
        with statements() as ran:
            answer = self.runner.run(self.graphs[subgraph](text, variables, actor=actor))
        assert {"FORBIDDEN", "QUERY_TOO_BROAD"} >= set(answer.codes), (answer.errors, text)
        return answer.data, [
            f"{fault}: {' '.join(text.split())} {variables.get('filter', '')}" for fault in self._faults(subgraph, ran)
        ]

    def _faults(self, subgraph: str, ran: list[Ran]) -> Iterator[str]:
        for statement in ran:
            if '"!":"QUERY_TOO_BROAD"' in statement.rows:
                continue  # the timetable of a whole school of this size: it is read up to its cap, and refused
            counts = "count(" in statement.sql
            for look in self.explainer.looks(subgraph, statement, counts=counts) if "to_json" in statement.sql else ():
                if fault := look.fault(statement.rows.count("{"), self.size, counts=counts):
                    yield fault


@pytest.fixture(scope="module", params=SIZES)
def school(request: pytest.FixtureRequest, template: Template) -> Iterator[LargeSchool]:
    """A school of that many pupils beside fifty small ones."""
    with clone_database(template) as settings, asyncio.Runner() as runner:
        large.build(settings, request.param)
        kinds = ("tenant", "student", "class", "year", "semester", "lesson", "subject", "teacher", "invoice")
        known = {
            kind: [large.row_id(kind, number) for number in range(20)]
            for kind in (*kinds, "teacher user", "guardian user", "period", "application")
        }
        graphs = {name: GraphClient(create_app(settings), settings) for name, create_app in APPS.items()}
        for graph in graphs.values():
            runner.run(graph.__aenter__())
        explainer = Explainer(settings)
        yield LargeSchool(request.param, runner, graphs, explainer, known)
        explainer.close()
        for graph in graphs.values():
            runner.run(graph.__aexit__())


WHO = ("principal", "teacher", "parent", "both")


@pytest.mark.parametrize("name", WHO)
def test_documents_of_the_repository(school: LargeSchool, name: str):
    actor, found, asked = school.people()[name], [], Counter[str]()
    for document in dict.fromkeys(documents()):
        for part in parts(document, SCHEMAS):
            ids = school.ids[_KINDS.get(part.entity or "", "student")]
            given: dict[str, Any] = {"them": [{"__typename": part.entity, "id": str(each)} for each in ids]}
            for variable, kind in declared(part.text):
                if variable != "them":
                    given[variable] = value_for(school, variable, kind)
            found += school.ask(part.subgraph, part.text, given, actor)[1]
            asked[part.subgraph] += 1
    assert asked.keys() == SCHEMAS.keys(), "of a whole subgraph no document asks"
    assert asked.total() > 20
    assert not found, "\n".join(found)


def value_for(school: LargeSchool, name: str, kind: str) -> Any:
    """A value for a variable of a document, by its type and name."""
    match kind.rstrip("!"):
        case "ID":
            return str(school.ids[_VARIABLES.get(name, "class")][3])
        case "Int":
            return 20
        case "String":
            return "Siswa5"
    return None


@pytest.mark.parametrize("generic", [False, True])
def test_a_list_is_made_once(school: LargeSchool, generic: bool):
    """Its length is compared before it is given, and PostgreSQL would make it again for that."""
    with statements() as ran:
        document = "{ classes(first: 2) { nodes { subjects { id } studentAggregates { count } } } }"
        school.runner.run(school.graphs["academic"](document, actor=school.people()["principal"]))
    tables = [
        look.table
        for each in ran
        if "to_json" in each.sql
        for look in school.explainer.looks("academic", each, counts=False)
        if look.generic is generic
    ]
    assert tables.count("class_subjects") == tables.count("enrollments") == 1


@pytest.mark.parametrize("subgraph", APPS)
def test_every_order_filter_and_cursor_of_every_connection(school: LargeSchool, subgraph: str):
    """At the root, and of entities that have a connection: the page, the next one, and the one before the end."""
    actor, found = actor_of("super_admin", PLATFORM_TENANT_ID, acting_on=school.ids["tenant"][0]), []
    for asked in connections(SCHEMAS[subgraph], subgraph):
        ids = school.ids[_KINDS.get(asked.entity, "tenant")][:3]
        given = {
            "filter": asked.filter_for(school.ids),
            "them": [{"__typename": asked.entity, "id": str(each)} for each in ids],
        }
        page, faults = school.ask(subgraph, asked.document("first: 20"), given, actor)
        found += faults
        if not asked.field:
            found += school.ask(subgraph, asked.document("last: 20"), given, actor)[1]
        if cursor := next(values_of(page, "endCursor"), None):
            found += school.ask(subgraph, asked.document(f'first: 20, after: "{cursor}"'), given, actor)[1]
    assert not found, "\n".join(found)
