"""Databases with the queue and job tables and nothing else, for the tests of libs/events and libs/jobs."""

import itertools
from collections.abc import Callable

import psycopg
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, Integer, MetaData, Table, Text, Uuid, create_engine, text
from sqlalchemy.pool import NullPool

from deploy.local.engines import Engines
from libs.db import bootstrap, subgraph_base
from libs.settings import SUBGRAPHS, Settings

_numbers = itertools.count(1)


def notes(metadata: MetaData) -> Table:
    """A projection to look at: what the consumers of a test saw."""
    return Table(
        "notes",
        metadata,
        Column("tenant_id", Uuid, primary_key=True, server_default=text("app_tenant()")),
        Column("id", Uuid, primary_key=True),
        Column("sequence", Integer, nullable=False, server_default="0"),
        Column("times", Integer, nullable=False, server_default="1"),
        Column("text", Text, nullable=False),
    )


def make_database(base: Settings, engines: Engines, create: Callable[[MetaData], None]) -> Settings:
    """Settings of a new database: every subgraph's schema with what `create` makes (within a migration) and notes."""
    name = f"queues_{next(_numbers)}"
    url = engines.database_url.rpartition("/")[0] + f"/{name}"
    settings = base.model_copy(update={"database_url": url})
    bootstrap(settings)
    admin = settings.database_admin_url.get_secret_value().rpartition("/")[0] + f"/{name}"
    engine = create_engine(admin.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=NullPool)
    for subgraph in SUBGRAPHS:
        metadata = subgraph_base(subgraph).metadata
        with engine.begin() as connection:
            connection.execute(text(f"set role {subgraph}_owner"))
            with Operations.context(MigrationContext.configure(connection)):
                create(metadata)
            fresh = MetaData(schema=subgraph)
            notes(fresh).create(connection)
            connection.execute(text(f"alter table {subgraph}.notes enable row level security"))
            connection.execute(text(f"alter table {subgraph}.notes force row level security"))
            rule = "tenant_id = (select app_tenant())"
            connection.execute(
                text(f"create policy t on {subgraph}.notes to {subgraph}_app using ({rule}) with check ({rule})")
            )
            connection.execute(text(f"grant select, insert, update, delete on {subgraph}.notes to {subgraph}_app"))
    engine.dispose()
    return settings


def drop_database(settings: Settings) -> None:
    """Drops a database that `make_database` made."""
    name = settings.database_url.rpartition("/")[2]
    admin = settings.database_admin_url.get_secret_value()
    with psycopg.connect(admin, dbname="postgres", autocommit=True) as server:
        server.execute(f"drop database {name} with (force)")
