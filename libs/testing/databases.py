"""A migrated template database, cloned for each test: real commits, about 60 ms each."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from libs.db import bootstrap, migrate
from libs.kernel import new_id
from libs.settings import SUBGRAPHS, Settings

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Template:
    """The migrated database that tests are cloned from; `settings` point at it."""

    settings: Settings

    @classmethod
    def make(cls, settings: Settings) -> "Template":
        """Bootstraps and migrates the database that the settings name."""
        bootstrap(settings)
        for subgraph in SUBGRAPHS:
            migrate(settings, subgraph)
        return cls(settings)


def _server(settings: Settings) -> psycopg.Connection[Any]:
    return psycopg.connect(settings.database_admin_url.get_secret_value(), dbname="postgres", autocommit=True)


@contextmanager
def clone_database(template: Template) -> Iterator[Settings]:
    """Settings of a fresh copy of the template, dropped at the end whoever still holds a connection."""
    original = template.settings.database_url.rpartition("/")[2]
    name = f"{original}_{next(_numbers)}"
    with _server(template.settings) as server:
        server.execute(
            sql.SQL("create database {} template {} strategy file_copy").format(
                sql.Identifier(name), sql.Identifier(original)
            )
        )
    url = template.settings.database_url.rpartition("/")[0] + f"/{name}"
    yield template.settings.model_copy(update={"database_url": url})
    with _server(template.settings) as server:
        server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def owner_rows(settings: Settings, subgraph: str, statement: str, parameters: Any = None) -> list[dict[str, Any]]:
    """Rows as the owner of a subgraph's tables sees them, all tenants: the second side of a tenant test."""
    with _as_superuser(settings) as connection:
        connection.execute(f"set role {subgraph}_owner")
        cursor = connection.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def add_school(settings: Settings, slug: str, *, level: str = "SMA", timezone: str = "Asia/Jakarta") -> UUID:
    """A tenant known to every subgraph that is there, with the school row academic derives from it."""
    tenant = new_id()
    known = {
        "tenant_id": tenant,
        "id": tenant,
        "sequence": 1,
        "slug": slug,
        "name": f"School {slug}",
        "npsn": None,
        "level": level,
        "timezone": timezone,
        "status": "ACTIVE",
        "features": ["ATTENDANCE", "GRADING", "FINANCE", "ADMISSION"],
        "quotas": "{}",
    }
    with _as_superuser(settings) as connection:
        for subgraph in SUBGRAPHS:
            for table in ("tenants", "schools"):
                _insert(connection, subgraph, table, known)
    return tenant


def _as_superuser(settings: Settings) -> psycopg.Connection[dict[str, Any]]:
    name = settings.database_url.rpartition("/")[2]
    admin = settings.database_admin_url.get_secret_value()
    return psycopg.connect(admin, dbname=name, row_factory=dict_row)


def _insert(connection: psycopg.Connection[dict[str, Any]], subgraph: str, table: str, known: dict[str, Any]) -> None:
    columns = connection.execute(
        "select column_name from information_schema.columns where table_schema = %s and table_name = %s",
        (subgraph, table),
    )
    names = [row["column_name"] for row in columns if row["column_name"] in known]
    if names:
        statement = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(subgraph, table),
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join(map(sql.Placeholder, names)),
        )
        connection.execute(statement, known)
