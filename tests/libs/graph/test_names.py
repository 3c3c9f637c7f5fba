"""Names that Python keeps for itself: every kind of field is printed without the underscore that evades them."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

import pytest
import strawberry

from libs.graph import (
    Connection,
    column,
    computed,
    connection,
    count,
    entity,
    error,
    given_out,
    many,
    one,
    result,
    root_connection,
    stub,
    subgraph_schema,
)
from libs.kernel import DomainError
from tests.libs.graph import example

Shelf = Annotated["Shelf", strawberry.lazy("tests.libs.graph.example")]
Book = Annotated["Book", strawberry.lazy("tests.libs.graph.example")]


class Passed(DomainError):
    code = "PASSED"
    texts: ClassVar = {"id": "Lewat.", "en": "Passed."}


@entity(example.books, resource="student")
class Lent:
    """A book that is lent."""

    id: UUID = column("Identity.")
    from_: str = column("By whom.", of=lambda t: t.c.title, filter=True, order=True)
    global_shelf_: str = column("Two words.", of=lambda t: t.c.title, filter=True, order=True)
    as_: str = computed("As what.", batch=example.secrets)
    import_: example.User | None = stub("owner_id", "Who brought it.")
    in_: Shelf | None = one("Shelf", "Where it stood.")
    with_: list[Book] = many("Book", "What was lent with it.")
    or_: Connection[Book] = connection("Book", "What could be lent instead.")
    is_: int = count("Book", "How many there are.")

    @strawberry.field(name="if", description="A resolver with a name of its own keeps it.")
    def if_(self) -> str:
        return ""

    @strawberry.field(description="A resolver.")
    def not_(self) -> str:
        return ""


@error(Passed)
class Late:
    """It should be back."""

    lambda_: str = given_out("The day.")


@result
class LendSuccess:
    """It is lent."""

    lent_id: strawberry.Private[UUID]
    def_: Lent | None = one("Lent", "The book.", local="lent_id")
    try_: str = given_out("Which time.")


@strawberry.type
class Query:
    lent: Connection[Lent] = root_connection(Lent, "What is lent.")

    @strawberry.field(description="All of them.")
    def all_of_them(self) -> Annotated[LendSuccess | Late, strawberry.union("Lending")] | None:
        return None


TYPES: Any = subgraph_schema(query=Query)._schema.type_map


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("Lent", {"id", "from", "globalShelf", "as", "import", "in", "with", "or", "is", "if", "not"}),
        ("Late", {"code", "message", "lambda"}),
        ("LendSuccess", {"def", "try"}),
    ],
)
def test_fields_are_printed_without_the_underscore(name: str, fields: set[str]):
    assert set(TYPES[name].fields) == fields


def test_filters_and_orders_too():
    assert set(TYPES["LentFilter"].fields) == {"from", "globalShelf", "and", "or", "not"}
    assert set(TYPES["StringFilter"].fields) == {"eq", "in", "ne", "isNull"}
    assert set(TYPES["LentOrder"].values) == {
        f"{name}_{way}" for name in ("FROM", "GLOBAL_SHELF") for way in ("ASC", "DESC")
    }
