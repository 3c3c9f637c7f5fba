"""Figures by group: over all rows, over related ones, and refused where they would be wrong."""

from uuid import UUID

import pytest

from libs.testing import GraphClient, actor_of
from libs.testing.plugin import OwnerRows


@pytest.fixture
def atlas(as_owner: OwnerRows, graph: GraphClient, school: UUID) -> None:
    as_owner("academic", "update academic.books set kind = 'ATLAS' where title in ('Book 3', 'Book 4')")


async def test_without_groups_there_is_one_row_of_figures(graph: GraphClient, school: UUID):
    query = "{ bookAggregates { __typename n: count length { sum average min max } keys { kind } } }"
    (figures,) = (await graph(query, actor=actor_of("principal", school))).ok()["bookAggregates"]
    assert figures == {
        "__typename": "BookAggregates",
        "n": 5,
        "length": {"sum": 30, "average": 6, "min": 6, "max": 6},
        "keys": {"kind": None},
    }


@pytest.mark.usefixtures("atlas")
async def test_groups_by_columns_and_by_related_rows(graph: GraphClient, school: UUID):
    query = "{ bookAggregates(groupBy: [SHELF, KIND]) { count keys { kind shelf { name } } } }"
    answer = await graph(query, actor=actor_of("principal", school))
    told = {
        (each["keys"]["shelf"]["name"], each["keys"]["kind"]): each["count"] for each in answer.ok()["bookAggregates"]
    }
    assert told == {("A", "NOVEL"): 2, ("A", "ATLAS"): 1, ("B", "NOVEL"): 1, ("B", "ATLAS"): 1}


@pytest.mark.usefixtures("atlas")
async def test_figures_of_related_rows_with_a_filter_from_a_variable(graph: GraphClient, school: UUID):
    query = """query($filter: BookFilter, $by: [BookGroup!]) {
      shelves { nodes { name bookAggregates(filter: $filter, groupBy: $by) { keys { kind } count } } } }"""
    variables = {"filter": {"title": {"ne": "Book 1"}}, "by": ["KIND"]}
    answer = await graph(query, variables, actor=actor_of("principal", school))
    told = {
        node["name"]: {each["keys"]["kind"]: each["count"] for each in node["bookAggregates"]}
        for node in answer.ok()["shelves"]["nodes"]
    }
    assert told == {"A": {"NOVEL": 1, "ATLAS": 1}, "B": {"NOVEL": 1, "ATLAS": 1}}


async def test_no_rows_have_figures_too(graph: GraphClient, school: UUID):
    query = '{ bookAggregates(filter: {title: {eq: "none"}}) { count length { sum min } } }'
    answer = await graph(query, actor=actor_of("principal", school))
    assert answer.ok()["bookAggregates"] == [{"count": 0, "length": {"sum": None, "min": None}}]


async def test_who_sees_own_rows_alone_gets_no_figures_about_others(graph: GraphClient, school: UUID):
    answer = await graph("{ bookAggregates { count } }", actor=actor_of("parent", school))
    assert (answer.data, answer.codes) == (None, ["FORBIDDEN"])
    nested = await graph("{ shelves { nodes { name bookAggregates { count } } } }", actor=actor_of("parent", school))
    assert set(nested.codes) <= {"FORBIDDEN"}
