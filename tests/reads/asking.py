"""Asks the engine and the reference the same, and says where they differ."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from libs.auth import Actor
from tests.reads.comparison import difference
from tests.reads.conftest import BothSchools
from tests.reads.documents import Document
from tests.reads.people import person
from tests.reads.rowwise import CURSOR

Who = tuple[str, str]
"""School and role."""


class TooCostly(Exception):
    """The engine refuses a document for its size, which the reference does not know."""


async def compare(both: BothSchools, document: Document, who: Who, variables: Mapping[str, Any]) -> None:
    """Asks both. Raises AssertionError with all that is needed to ask again, and TooCostly."""
    actor = person(*who)
    chosen = await _cursors(both, document, actor)
    ours = {name: each and each[0] for name, each in chosen.items()}
    theirs = {name: each and f"{CURSOR}{each[1]}" for name, each in chosen.items()}
    answer = await both.graphs[document.subgraph](document.text, {**variables, **ours}, actor=actor)
    if "COST_LIMIT" in answer.codes:
        raise TooCostly
    told = await both.references[document.subgraph](document.text, {**variables, **theirs}, actor)
    found = difference(answer, told)
    given = json.dumps({**variables, **theirs}, ensure_ascii=False)
    assert found is None, f"{document.subgraph}, {who}: {found}\n{document.text}\n{given}\n{answer.errors[:3]}"


async def _cursors(both: BothSchools, document: Document, actor: Actor) -> dict[str, tuple[str, str] | None]:
    """For each variable that is a cursor: the engine's, and the id of the row that it stands at."""
    chosen: dict[str, tuple[str, str] | None] = {}
    for cursor in document.cursors:
        answer = await both.graphs[document.subgraph](cursor.probe, actor=actor)
        assert {"BAD_REQUEST", "INTERNAL"}.isdisjoint(answer.codes), (cursor.probe, answer.errors)
        found = list(edges(answer.data))
        chosen[cursor.variable] = found[cursor.choice % len(found)] if found else None
    return chosen


def edges(data: Any) -> Iterator[tuple[str, str]]:
    """Cursor and id of every edge in an answer."""
    if isinstance(data, Mapping):
        if "cursor" in data:
            yield data["cursor"], data["node"]["id"]
        data = list(data.values())
    if isinstance(data, list):
        for each in data:
            yield from edges(each)
