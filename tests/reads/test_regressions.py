"""Differences that were found once, each under the name of what was wrong."""

import asyncio

import pytest

from tests.reads.asking import compare
from tests.reads.conftest import BothSchools
from tests.reads.documents import Document
from tests.reads.people import person
from tests.reads.world import uid

_PRINCIPAL = ("melati", "principal")
_CLASS = {"__typename": "Class", "id": str(uid("melati", "class", 0))}
_LESSON = {"__typename": "ClassSubject", "id": str(uid("melati", "class-subject", 1))}

CASES = {
    # The last rows of a list without cursors were a statement that PostgreSQL refused.
    "nodes from the end": ("academic", "{ academicYears(last: 2) { nodes { name } } }", {}),
    "no nodes from the end": ("academic", "{ academicYears(last: 0) { totalCount nodes { id } } }", {}),
    # An object without any field showed a key that stood in for none.
    "an object of which everything is skipped": ("academic", "{ school { id @include(if: false) } }", {}),
    "a page of which everything is skipped": (
        "academic",
        """query ($no: Boolean!) { a: classes { nodes @include(if: $no) { id } } b: classes { nodes { id @include(if: $no) } }
          c: classes { edges { cursor @include(if: $no) } pageInfo { endCursor @include(if: $no) } }
          d: classes { edges { node { id @include(if: $no) } } } }""",
        {"no": False},
    ),
    "nodes over a subquery of which everything is skipped": (
        "identity",
        "{ users(first: 2) { nodes { id roles { id } } x: nodes { id @include(if: false) } } }",
        {},
    ),
    "a filtered page of which everything is skipped": (
        "academic",
        "{ students(filter: {birthDate: {isNull: true}}) { totalCount @skip(if: true) } }",
        {},
    ),
    "figures of which everything is skipped": (
        "academic",
        """{ classAggregates(groupBy: [LEVEL]) { count @skip(if: true) keys { level @skip(if: true) } }
          subjectAggregates { creditHours { sum @skip(if: true) } } }""",
        {},
    ),
    "an entity and a stub of which everything is skipped": (
        "academic",
        "{ teachers { nodes { user { id @skip(if: true) } } } }",
        {},
    ),
    # Whoever has no number has not this one: of a missing value neither a comparison nor its contrary was said to hold.
    "rows without a value are those of which a comparison does not hold": (
        "academic",
        """{ students(filter: {not: {nisn: {eq: "0000000001"}}}) { totalCount nodes { nisn } }
          x: students(filter: {not: {not: {nisn: {eq: "0000000005"}}}}) { totalCount } }""",
        {},
    ),
    # Parts of a second had as many digits as PostgreSQL likes, not as many as the scalar tells.
    "a lesson that begins within a second": ("academic", "{ weeklySchedule { startTime endTime } }", {}),
    # A page that is too large was refused only where rows of it were asked for.
    "too large a page of which only the count is asked": (
        "notification",
        "{ notifications(first: 101) { totalCount } }",
        {},
    ),
    "a negative page of which only the type is asked": (
        "academic",
        "query ($n: Int) { students(last: $n) { __typename } }",
        {"n": -1},
    ),
}


CASES_OF_OTHERS = {
    # To name a field that one may not read is refused, whatever is said of it.
    "a filter that names a protected field and asks nothing": (
        ("melati", "teacher"),
        "academic",
        "{ teachers(filter: {nip: {}}, first: 0) { totalCount } }",
        {},
    ),
    # One entity with a refused field that may not be null made null of all of them.
    "an entity that fails among others": (
        ("melati", "taught"),
        "academic",
        "query ($r: [_Any!]!) { _entities(representations: $r) { ... on Class { academicYear { id } } ... on ClassSubject { id } } }",
        {"r": [_CLASS, _LESSON, _CLASS]},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_differed_once_is_the_same(both_schools: BothSchools, name: str):
    subgraph, text, variables = CASES[name]
    document = Document(subgraph, text, variables, variables, ())
    both_schools.run(compare(both_schools, document, _PRINCIPAL, variables))


@pytest.mark.parametrize("name", CASES_OF_OTHERS)
def test_what_differed_once_for_some_is_the_same(both_schools: BothSchools, name: str):
    who, subgraph, text, variables = CASES_OF_OTHERS[name]
    document = Document(subgraph, text, variables, variables, ())
    both_schools.run(compare(both_schools, document, who, variables))


def test_fields_that_are_given_up_give_their_connections_back(both_schools: BothSchools):
    """graphql-core cancels the fields beside one that failed; each of these kept a connection until none was left."""
    text = "{ me { email } x: me { email roles { name } } y: me { name } tenantAggregates { count } }"

    async def ask_often() -> set[str]:
        told = []
        for wait in range(60):  # cancelled a little later each time
            asking = asyncio.ensure_future(both_schools.graphs["identity"](text, actor=person("melati", "pupil")))
            if wait % 2:
                await asyncio.sleep(wait / 4_000)
                asking.cancel()  # a client that goes away
            told += await asyncio.gather(asking, return_exceptions=True)
        return {code for each in told if not isinstance(each, BaseException) for code in each.codes}

    assert both_schools.run(ask_often()) == {"FORBIDDEN"}
    own = Document("identity", "{ me { email } }", {}, {}, ())
    both_schools.run(compare(both_schools, own, ("melati", "pupil"), {}))
