"""A lost connection: replaced once for a read; without a database a typed error, and no part of an answer."""

from uuid import UUID

import psycopg

from libs.files import StorageUnavailable
from libs.graph.errors import failure_told
from libs.settings import Settings
from libs.testing import GraphClient, actor_of
from libs.testing.plugin import OwnerRows
from tests.libs.graph import example

END_CONNECTIONS = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'academic_app' and datname = current_database()"


def as_superuser(settings: Settings, statement: str) -> None:
    name = settings.database_url.rpartition("/")[2]
    with psycopg.connect(settings.database_admin_url.get_secret_value(), dbname=name, autocommit=True) as connection:
        connection.execute(statement)


async def test_a_lost_connection_is_replaced_for_reads_and_for_changes(
    settings: Settings, graph: GraphClient, school: UUID, as_owner: OwnerRows
):
    actor = actor_of("school_admin", school)
    for name in "CD":
        assert (await graph("{ books { totalCount } }", actor=actor)).ok()["books"]["totalCount"] == 5
        as_superuser(settings, END_CONNECTIONS)
        assert (await graph("{ books { totalCount } }", actor=actor)).ok()["books"]["totalCount"] == 5
        as_superuser(settings, END_CONNECTIONS)
        added = (
            f'mutation {{ addShelf(input: {{name: "{name}"}}) {{ ... on AddShelfSuccess {{ shelf {{ name }} }} }} }}'
        )
        assert (await graph(added, actor=actor)).ok()["addShelf"] == {"shelf": {"name": name}}
    assert len(as_owner("academic", "select 1 from academic.shelves where name in ('C', 'D')")) == 2


async def test_without_a_database_a_field_is_unavailable_and_comes_back(
    settings: Settings, graph: GraphClient, school: UUID
):
    hasty = example.create_app(settings.model_copy(update={"statement_timeout_ms": 500}))
    actor = actor_of("principal", school)
    async with GraphClient(hasty, settings) as client:
        assert (await client("{ books { totalCount } }", actor=actor)).ok()
        as_superuser(settings, "alter role academic_app nologin")
        try:
            as_superuser(settings, END_CONNECTIONS)
            answer = await client("{ a: books { totalCount } b: books { nodes { title } } }", actor=actor)
            assert (answer.data, set(answer.codes)) == (None, {"UNAVAILABLE"})
        finally:
            as_superuser(settings, "alter role academic_app login")
        for _ in range(20):
            back = await client("{ books { totalCount } }", actor=actor)
            if not back.errors:
                break
        assert back.ok()["books"]["totalCount"] == 5


def test_a_storage_that_is_away_is_an_outage():
    assert failure_told(StorageUnavailable())[1]["code"] == "UNAVAILABLE"
