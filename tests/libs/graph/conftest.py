"""The example subgraph over tables of its own in a cloned database, with two schools' rows."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from libs.settings import Settings
from libs.testing import GraphClient, owner_rows
from tests.libs.graph import example


@pytest.fixture
async def graph(settings: Settings, school: UUID, other_school: UUID) -> AsyncIterator[GraphClient]:
    """A client of the example; `school` has shelves A and B with books 1 to 5, `other_school` shelf X with book 9."""
    owner_rows(settings, "academic", example.DDL)
    for table in ("shelves", "books", "book_words"):
        owner_rows(settings, "academic", example.PROTECT.format(t=table))
    for tenant, shelf, titles in ((school, "A", "123"), (school, "B", "45"), (other_school, "X", "9")):
        made = owner_rows(
            settings,
            "academic",
            "insert into academic.shelves (tenant_id, name) values (%s, %s) returning id",
            (tenant, shelf),
        )[0]["id"]
        for title in titles:
            book = owner_rows(
                settings,
                "academic",
                "insert into academic.books (tenant_id, shelf_id, title, kind) values (%s, %s, %s, 'NOVEL') returning id",
                (tenant, made, f"Book {title}"),
            )[0]["id"]
            for word in ("book", title):
                owner_rows(
                    settings, "academic", "insert into academic.book_words values (%s, %s, %s)", (tenant, book, word)
                )
    async with GraphClient(example.create_app(settings), settings) as client:
        yield client
