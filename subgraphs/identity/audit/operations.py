"""Keeping the audit log: its partitions."""

from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from subgraphs.identity.audit.rules import partitions

MONTHS_AHEAD = 12


def add_partitions(connection: psycopg.Connection[Any], today: date) -> list[str]:
    """Makes the partitions of this month and the next twelve that are missing, as the schema's owner; says which.

    `migrate` does it at every deployment: the application's own role has no right to make tables. A month that nobody
    prepared goes to the default partition.
    """
    connection.execute("set role identity_owner")
    made = []
    for name, first, end in partitions(today, MONTHS_AHEAD):
        if connection.execute("select to_regclass(%s)", (f"identity.{name}",)).fetchone() == (None,):
            statement = "create table {} partition of identity.audit_logs for values from ({}) to ({})"
            table = sql.Identifier("identity", name)
            connection.execute(sql.SQL(statement).format(table, sql.Literal(first), sql.Literal(end)))
            made.append(name)
    return made
