"""What a mutation gives back of the graph: read within its transaction, with the actor's eyes."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from libs.graph import payloads
from libs.testing import GraphClient, actor_of
from libs.testing.plugin import OwnerRows


def add(name: str, selection: str) -> str:
    return (
        f'mutation {{ addShelf(input: {{name: "{name}"}}) {{ __typename ... on AddShelfSuccess {{ {selection} }} }} }}'
    )


async def test_an_object_is_read_once_for_each_response_key(graph: GraphClient, school: UUID):
    query = add("C", "a: shelf { name } b: shelf { id books { totalCount } __typename }")
    answer = (await graph(query, actor=actor_of("school_admin", school))).ok()["addShelf"]
    assert answer["a"] == {"name": "C"}
    assert (answer["b"]["books"], answer["b"]["__typename"]) == ({"totalCount": 0}, "Shelf")


async def test_what_the_actor_may_not_read_is_an_error_of_its_field_and_the_change_stands(
    graph: GraphClient, school: UUID, as_owner: OwnerRows
):
    admin = actor_of("school_admin", school)
    blind = replace(admin, permissions=admin.permissions - {"class:read"})
    answer = await graph(add("C", "phone shelf { name }"), actor=blind)
    assert answer.data == {"addShelf": {"__typename": "AddShelfSuccess", "phone": None, "shelf": None}}
    assert (answer.codes, answer.errors[0]["path"]) == (["FORBIDDEN"], ["addShelf", "shelf"])
    assert as_owner("academic", "select 1 from academic.shelves where name = 'C'")


async def test_the_read_belongs_to_the_transaction_of_the_change(
    graph: GraphClient, school: UUID, as_owner: OwnerRows, monkeypatch: pytest.MonkeyPatch
):
    async def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("the answer cannot be given")

    monkeypatch.setattr(payloads, "read_within", fails)
    answer = await graph(add("C", "shelf { name }"), actor=actor_of("school_admin", school))
    assert answer.codes == ["INTERNAL"]
    assert not as_owner("academic", "select 1 from academic.shelves where name = 'C'")
