"""The state of schools as a subgraph knows it: suspended ones are refused, features are switched."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
import structlog
from sqlalchemy import Float, FromClause, Select, Text, bindparam, func, literal_column, select

from libs.auth import system_binding
from libs.db import DIALECT, Database
from libs.kernel import PLATFORM_TENANT_ID

_log = structlog.get_logger(__name__)

# A suspension is in force everywhere within 5 seconds; relay and consumer take a quarter of one.
_FRESH_SECONDS: Final = 4.0
_POLL_SECONDS: Final = 2.0
_LONGEST_CHANGE_SECONDS: Final = 60.0  # a row is dated by the start of the transaction that changed it
_MOST_TENANTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class TenantState:
    """What a request must know of its school."""

    tenant_id: UUID
    timezone: str
    status: str
    features: frozenset[str]


class TenantDirectory:
    """Reads and remembers the `tenants` table of one subgraph.

    A school is read when it is first asked for. From then on one statement every two seconds says of all schools what
    has changed; while it fails, each school is read anew when what is known of it is four seconds old.
    """

    def __init__(self, database: Database, table: FromClause) -> None:
        self._database = database
        columns = select(table.c.id, table.c.timezone, table.c.status, table.c.features)
        age = func.now() - bindparam("seconds", type_=Float) * literal_column("interval '1 second'")
        self._one = _as_json(columns.where(table.c.id == bindparam("id")))
        self._changed = _as_json(columns.where(table.c.updated_at > age))
        self._known: dict[UUID, tuple[float, TenantState | None]] = {}
        self._polled_at = time.monotonic()

    async def get(self, tenant_id: UUID) -> TenantState | None:
        """The school's state, at most four seconds old; None when this subgraph has not heard of it."""
        known = self._known.get(tenant_id)
        if known and time.monotonic() - max(known[0], self._polled_at) < _FRESH_SECONDS:
            return known[1]
        asked_at = time.monotonic()
        rows = await self._database.fetch(system_binding(tenant_id), self._one, [tenant_id])
        if len(self._known) >= _MOST_TENANTS:
            self._known.clear()
        self._known[tenant_id] = asked_at, None
        self._remember(rows, asked_at)
        return self._known[tenant_id][1]

    async def poll(self) -> None:
        """Reads what has changed since it was last read. Raises psycopg.Error."""
        asked_at = time.monotonic()
        seconds = asked_at - self._polled_at + _LONGEST_CHANGE_SECONDS
        rows = await self._database.fetch(system_binding(PLATFORM_TENANT_ID), self._changed, [seconds])
        self._remember(rows, asked_at)
        self._polled_at = asked_at

    async def run(self, stop: asyncio.Event) -> None:
        """Polls every two seconds until `stop` is set."""
        while not stop.is_set():
            try:
                await self.poll()
            except psycopg.Error as failure:
                _log.warning("tenants_unreadable", error=type(failure).__name__)
            try:
                await asyncio.wait_for(stop.wait(), _POLL_SECONDS)
            except TimeoutError:
                continue

    def _remember(self, rows: Sequence[bytes | None], asked_at: float) -> None:
        for row in rows:
            told = orjson.loads(row or b"")
            state = TenantState(UUID(told["id"]), told["timezone"], told["status"], frozenset(told["features"]))
            if state.tenant_id in self._known:
                self._known[state.tenant_id] = asked_at, state


def _as_json(wanted: Select[Any]) -> str:
    rows = wanted.subquery()
    return str(select(func.row_to_json(rows.table_valued()).cast(Text)).compile(dialect=DIALECT))
