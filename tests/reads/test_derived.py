"""What operations derives for pupils, of many pupils at once against one by one: arguments, aliases, nulls, scope.

The generated documents come to these fields too seldom, and seldom to pupils who have grades.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from tests.reads.asking import compare
from tests.reads.conftest import BothSchools
from tests.reads.documents import Document
from tests.reads.people import person
from tests.reads.world import uid

_AT, _NOBODY = "melati", UUID("00000000-0000-7000-8000-00000000dead")
_GRADE = "{ subject { id __typename } finalScore gradeLetter predicate kkm passed missing }"
_DAYS = "{ days present absent late excused sick }"
_DOCUMENT = f"""query ($them: [_Any!]!, $s: ID, $f: Date, $t: Date, $no: Boolean = false) {{
  _entities(representations: $them) {{ ... on Student {{
    gradeSummary {_GRADE} x: gradeSummary(semesterId: $s) {{ missing score: finalScore finalScore }}
    y: gradeSummary(semesterId: "{uid("melati", "semester", 0)}") {_GRADE} gradeSummary {{ again: missing }}
    attendanceSummary {_DAYS} p: attendanceSummary(from: $f, to: $t) {_DAYS}
    q: attendanceSummary(semesterId: $s, to: $t) {{ days @include(if: $no) came: present }}
    r: attendanceSummary(semesterId: null, from: "2026-01-01", to: "2026-12-31") {{ days absent }}
    n: attendanceSummary {{ days @include(if: $no) }} m: gradeSummary {{ kkm @include(if: $no) }}
    attendance(first: 3) {{ totalCount nodes {{ date status notes }} }} reportCards {{ code revision status pdfUrl }}
  }} }} }}"""


def given() -> Iterator[dict[str, Any]]:
    """Variables of several forms: left out, null, of either semester, of a whole year and of no day at all."""
    yield {"s": None, "t": None, "no": True}
    yield {"s": str(uid("melati", "semester", 2)), "f": "2026-01-01", "t": "2026-12-31"}
    yield {"s": str(uid("melati", "semester", 3)), "f": "2026-12-31", "t": "2026-01-01"}
    yield {"s": str(uid("kenanga", "semester", 2)), "f": "1900-01-01"}


@pytest.mark.parametrize("name", ["principal", "teacher", "parent", "pupil", "marks", "sittings"])
def test_many_pupils_are_told_what_each_is(both_schools: BothSchools, name: str):
    pupils = [uid(_AT, "student", at) for at in (0, 1, 2, 5, 4, 1)]
    wanted = [*pupils, uid("kenanga", "student", 1), _NOBODY]
    them = [{"__typename": "Student", "id": str(each)} for each in wanted]
    for variables in given():
        asked = {"them": them, **variables}
        both_schools.run(compare(both_schools, Document("operations", _DOCUMENT, asked, asked, ()), (_AT, name), asked))


@pytest.mark.parametrize("name", ["principal", "marks", "parent", "pupil"])
def test_there_is_something_to_compare(both_schools: BothSchools, name: str):
    """Finite scores and ones without an end, none at all, days that were marked twice."""
    actor = person(_AT, name)
    keys = [{"__typename": "Student", "id": str(uid(_AT, "student", at))} for at in range(12)]
    answer = both_schools.run(both_schools.graphs["operations"](_DOCUMENT, {"them": keys}, actor=actor))
    known = [each for each in answer.data["_entities"] if each]
    scores = [grade["finalScore"] for each in known for grade in each["gradeSummary"] or ()]
    days = [each["attendanceSummary"]["days"] for each in known if each["attendanceSummary"]]
    assert any(scores)
    assert any(days)
    assert name != "principal" or None in scores
