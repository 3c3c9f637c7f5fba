"""How PostgreSQL runs a statement of the engine, as the application's own role and bound to its school."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from libs.db.database import binding_statement
from libs.settings import Settings
from tests.reads.stages import Ran

AT_ONCE = 1_000
"""Rows that one look into a table may touch: a page, a class, a week of lessons; or a sixteenth of the school, its staff."""
FOR_EACH = 50
"""Rows that a table may give up for each object of the answer, looked at over and over."""
_EXPLAIN = "explain (analyze, format json, timing off, costs off) "
_GENERIC = "set local plan_cache_mode = force_generic_plan; "


@dataclass(frozen=True)
class Look:
    """What one node of a plan touched of a table; `generic` is the plan for any values, `counted` below an aggregate."""

    kind: str
    table: str
    rows: float
    loops: float
    condition: str
    generic: bool
    counted: bool

    def fault(self, objects: int, school: int, *, counts: bool) -> str | None:
        """Why it is more than an answer of so many objects needs, in a school of so many pupils.

        Figures and counts may read an index of the whole school. The plan for any values is made for a school of
        average size: in a large one it may walk through it once, never over and over.
        """
        if counts and self.counted:
            return f"{self.table} is counted without an index" if self.kind == "Seq Scan" else None
        once = school if self.generic else max(AT_ONCE, school // 16, 2 * objects)
        again = max(2 * AT_ONCE, school // 16) + FOR_EACH * objects
        if self.rows <= once and (self.loops <= 1 or self.rows * self.loops <= again):
            return None
        plan = "for any values" if self.generic else "for these values"
        return (
            f"{self.kind} of {self.table} touches {self.rows:.0f} rows {self.loops:.0f} times {plan} {self.condition}"
        )


class Explainer:
    """Explains statements in one database."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connections: dict[str, psycopg.Connection[Any]] = {}

    def close(self) -> None:
        """Closes the connections."""
        for connection in self._connections.values():
            connection.close()

    def _connection(self, subgraph: str) -> psycopg.Connection[Any]:
        if subgraph not in self._connections:
            self._connections[subgraph] = psycopg.connect(self._settings.database_for(f"{subgraph}_app"))
        return self._connections[subgraph]

    def looks(self, subgraph: str, ran: Ran, *, counts: bool) -> Iterator[Look]:
        """The tables that a statement looks into, by the plan for its values and by the plan for any values."""
        assert ran.binding is not None
        connection, bound = self._connection(subgraph), binding_statement(ran.binding)
        # Most rows of the test are one school's: for its values alone an index may well be slower than all of the table.
        by_index = f"set local enable_seqscan = off; {bound}"
        with connection.transaction(force_rollback=True):
            connection.execute(by_index.encode())
            cursor = psycopg.RawCursor(connection)
            cursor.execute((_EXPLAIN + ran.sql).encode(), ran.values)
            yield from _looks(cursor.fetchall()[0][0][0]["Plan"], False, counted=False)
        with connection.transaction(force_rollback=True):
            connection.execute(f"{_GENERIC}{by_index if counts else bound}".encode())
            psycopg.RawCursor(connection).execute(f"prepare asked as {ran.sql}".encode())
            given = sql.SQL(", ").join(map(sql.Literal, ran.values)).as_string(connection)
            told = connection.execute(f"{_EXPLAIN} execute asked{f'({given})' if given else ''}".encode())
            yield from _looks(told.fetchall()[0][0][0]["Plan"], True, counted=False)
            connection.execute("deallocate asked")


def _looks(node: dict[str, Any], generic: bool, *, counted: bool) -> Iterator[Look]:
    if "Relation Name" in node:
        removed = sum(value for name, value in node.items() if name.startswith("Rows Removed by"))
        condition = next((node[name] for name in ("Index Cond", "Recheck Cond", "Filter") if name in node), "")
        rows, loops = node["Actual Rows"] + removed, node["Actual Loops"]
        yield Look(node["Node Type"], node["Relation Name"], rows, loops, condition, generic, counted)
    for inner in node.get("Plans", ()):
        yield from _looks(inner, generic, counted=counted or node["Node Type"] == "Aggregate")
