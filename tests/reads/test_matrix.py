"""Every type and field of the graph, as everybody, of both schools, by every way in: what is seen is what may be seen.

The questions are generated from the schemas; what they must answer comes from a model of its own (seen.py) over the
rows that the test inserted (families.py). A field or root that the model does not know fails here.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLObjectType

from libs.auth import Actor
from libs.testing import GraphAnswer
from tests.reads.families import OTHER, OWN
from tests.reads.questions import FORBIDDEN, Asked, Expected, kind_of, normal, places
from tests.reads.stages import APPS, LAST, Stage, Stages, everybody, person, stages, statements
from tests.reads.ways import Way, Ways, schema_of, ways_of

SUBGRAPHS = tuple(APPS)


__all__ = ["stages"]


def check(stage: Stage, subgraph: str, actor: Actor, way: Way) -> Any:
    """Asks, and compares data and errors with what the model expects; no foreign mark may stand anywhere."""
    answer = stage.ask(subgraph, way.document, actor, way.variables)
    expected = Expected(stage.seen(way.reader or actor, subgraph), schema_of(subgraph))
    data = expected.root(way.asked, way.rows)
    assert normal(answer.data) == normal(data), (way.document, way.variables)
    check_errors(answer, expected)
    return answer


def check_errors(answer: GraphAnswer, expected: Expected) -> None:
    """Every error that must be told is, of those that hide each other at least one, and no other."""
    told, must = places(answer.errors), set(expected.errors)
    assert must <= told <= must.union(*expected.groups), (told, must, expected.groups)
    assert all(group & told for group in expected.groups), (told, expected.groups)


EVERYBODY = everybody(*SUBGRAPHS)


@pytest.mark.parametrize("school", [OWN, pytest.param(OTHER, marks=pytest.mark.deep)])
@pytest.mark.parametrize(("subgraph", "name"), EVERYBODY)
def test_root_fields_give_what_may_be_seen(stages: Stages, subgraph: str, name: str, school: str):
    stage, actor = stages[LAST], person(name, school)
    for way in ways_of(stage.seen(actor, subgraph)).roots(2):
        check(stage, subgraph, actor, way)


@pytest.mark.parametrize("school", [OWN, OTHER])
@pytest.mark.parametrize(("subgraph", "name"), EVERYBODY)
def test_entities_give_what_may_be_seen(stages: Stages, subgraph: str, name: str, school: str):
    stage, actor = stages[LAST], person(name, school)
    seen, schema = stage.seen(actor, subgraph), schema_of(subgraph)
    for kind, way in ways_of(stage.seen(actor, subgraph)).entities(1):
        answer = stage.ask(subgraph, way.document, actor, way.variables)
        expected, below = Expected(seen, schema), way.asked.below[0].below
        try:
            rows = way.rows()
        except PermissionError:
            assert answer.data == {"_entities": [None] * len(way.variables["them"])}
            assert places(answer.errors) == {(("_entities",), FORBIDDEN)}
            assert len(answer.errors) == len(way.variables["them"])
            continue
        objects = [row and expected.object(kind, row, below, ("_entities",)) for row in rows]
        assert [normal(each) for each in answer.data["_entities"]] == [normal(each) for each in objects], kind
        check_errors(answer, expected)


@pytest.mark.parametrize(("subgraph", "name"), EVERYBODY)
def test_refused_fields_are_null_and_leave_no_trace_in_the_sql(stages: Stages, subgraph: str, name: str):
    """The statement that runs is the one without the field: neither its column nor its table is read."""
    stage, actor = stages[LAST], person(name)
    ways = ways_of(stage.seen(actor, subgraph))
    for entry in ways.entries():
        for field in refused(ways, entry.kind):
            with statements() as bare:
                stage.ask(subgraph, entry.document("id"), actor, entry.variables)
            with statements() as ran:
                answer = stage.ask(subgraph, entry.document(f"id {field}"), actor, entry.variables)
            assert [each.sql for each in ran] == [each.sql for each in bare], (entry, field)
            assert {code for _, code in places(answer.errors)} <= {FORBIDDEN}
            check_refused(answer.data, field.name, places(answer.errors))


def refused(ways: Ways, kind: str) -> Iterator[Asked]:
    """Fields of a type that lead to what the actor may not read."""
    for name, definition in ways.documents.type(kind).fields.items():
        leads_to = kind_of(definition)
        is_object = isinstance(ways.documents.schema.type_map[leads_to], GraphQLObjectType)
        if is_object and not ways.documents.admits(leads_to):
            inner = "totalCount" if leads_to.endswith("Connection") else "__typename"
            yield Asked(name, (Asked(inner),))


def check_refused(value: Any, name: str, told: set[Any]) -> None:
    """The field is null wherever it stands, with FORBIDDEN at its place."""
    found = list(values_of(value, name))
    assert not any(found)
    assert not found or any(path[-1] == name for path, _ in told)


def values_of(value: Any, name: str) -> Iterator[Any]:
    """The values of a field, wherever it stands."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key == name:
                yield each
            yield from values_of(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from values_of(each, name)
