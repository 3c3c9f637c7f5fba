"""What `just bench reads` asks, in the words of the subgraph and in those of PostGraphile.

The answers are the same, byte for byte. Who sits in a class today is no foreign key, so PostGraphile gets it as its manual
says: from a function over the row (peers/postgraphile.py), which PostgreSQL unfolds into the statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from libs.auth import TokenIssuer
from libs.kernel import utc_now
from libs.settings import Settings
from libs.testing import actor_of
from tests.benchmarks.http_load import Question
from tests.benchmarks.schools import ORDINARY, STUDENT, TENANT, identity

_PUPIL = "id nis nisn fullName gender birthDate"
_SMALL = (
    f"query Small($first: Int!) {{ students(first: $first) {{ nodes {{ {_PUPIL} currentClass {{ id name }} }} }} }}"
)
_NESTED = f"""query Nested($classes: Int!, $students: Int!) {{
  classes(first: $classes) {{ nodes {{ id name students(first: $students) {{ nodes {{ {_PUPIL} }} }} }} }}
}}"""
_ENTITIES = """query Entities($representations: [_Any!]!) {
  _entities(representations: $representations) { ... on Student { id nis fullName gender } }
}"""
_ENTITIES_ASKED = 100

# In PostGraphile's names `id` is an identity of its own, and that of the row is `rowId`.
_PEER_PUPIL = f"id: rowId {_PUPIL.removeprefix('id ')}"
_PEER_SMALL = f"""query Small($first: Int!) {{ students: allStudents(first: $first, orderBy: FULL_NAME_ASC) {{
  nodes {{ {_PEER_PUPIL} currentClass {{ id: rowId name }} }}
}} }}"""
_PEER_NESTED = f"""query Nested($classes: Int!, $students: Int!) {{
  classes: allClasses(first: $classes, orderBy: NAME_ASC) {{
    nodes {{ id: rowId name students: pupils(first: $students) {{ nodes {{ {_PEER_PUPIL} }} }} }}
  }}
}}"""


@dataclass(frozen=True, eq=False)
class Document:
    """One query with its variables; `peer` is the same question to PostGraphile, where it has one."""

    name: str
    text: str
    objects: int
    variables: dict[str, Any]
    peer: str = ""

    def variables_of(self, school: int) -> dict[str, Any]:
        """Those of a request to this school."""
        if self.text is not _ENTITIES:
            return self.variables
        count = ORDINARY.classes * ORDINARY.seats
        keys = (identity(STUDENT, school, (school * 31 + n * 5) % count) for n in range(_ENTITIES_ASKED))
        return {"representations": [{"__typename": "Student", "id": str(key)} for key in keys]}


SMALL = Document("small: 20 pupils, 6 fields and their class", _SMALL, 20, {"first": 20}, _PEER_SMALL)
NESTED = Document(
    "nested: 15 classes, 36 pupils each, 6 fields", _NESTED, 540, {"classes": 15, "students": 36}, _PEER_NESTED
)
ENTITIES = Document("`_entities`: 100 keys, 4 fields", _ENTITIES, _ENTITIES_ASKED, {})
TWENTY = Document("1 class and 19 pupils: 20 objects", _NESTED, 19, {"classes": 1, "students": 19})
TWO_THOUSAND = Document("55 classes, 36 pupils each: 2,035 objects", _NESTED, 55 * 36, {"classes": 55, "students": 36})


class Clients:
    """Some people in each school, one after the other, with tokens of the whole run."""

    def __init__(self, settings: Settings, schools: Sequence[int], people: int = 1) -> None:
        issuer = TokenIssuer(settings)
        self._tokens = [
            (school, issuer.issue(_admin(school, person), utc_now())) for person in range(people) for school in schools
        ]

    def questions(self, document: Document, *, peer: bool = False) -> list[Question]:
        """The question of each person, ready to be sent."""
        text = document.peer if peer else document.text
        return [
            Question(_request(token, text, document.variables_of(school)), b'"nis":', document.objects)
            for school, token in self._tokens
        ]


def _admin(school: int, person: int) -> Any:
    return actor_of("school_admin", identity(TENANT, school), user_id=UUID(int=school + (person << 32)))


def _request(token: str, text: str, variables: dict[str, Any]) -> bytes:
    body = orjson.dumps(
        {"query": text, "variables": variables, "operationName": text.split(maxsplit=1)[1].partition("(")[0]}
    )
    head = (
        "POST /graphql HTTP/1.1",
        "host: 127.0.0.1",
        "content-type: application/json",
        "accept: application/json",
        f"content-length: {len(body)}",
        f"authorization: Bearer {token}",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body
