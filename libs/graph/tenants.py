"""The state of schools as a subgraph knows it: suspended ones are refused, features are switched."""

import time
from dataclasses import dataclass
from uuid import UUID

import orjson
from sqlalchemy import FromClause, Text, bindparam, func, select

from libs.auth import system_binding
from libs.db import DIALECT, Database

_FRESH_SECONDS = 4.0  # a suspension is in force everywhere within 5 seconds: relay and consumer take a quarter of one
_MOST_TENANTS = 10_000


@dataclass(frozen=True, slots=True)
class TenantState:
    """What a request must know of its school."""

    tenant_id: UUID
    timezone: str
    status: str
    features: frozenset[str]


class TenantDirectory:
    """Reads and remembers the `tenants` table of one subgraph."""

    def __init__(self, database: Database, table: FromClause) -> None:
        self._database = database
        wanted = select(table.c.timezone, table.c.status, table.c.features).where(table.c.id == bindparam("id"))
        as_json = select(func.row_to_json(wanted.subquery().table_valued()).cast(Text))
        self._statement = str(as_json.compile(dialect=DIALECT))
        self._known: dict[UUID, tuple[float, TenantState | None]] = {}

    async def get(self, tenant_id: UUID) -> TenantState | None:
        """The school's state, at most four seconds old; None when this subgraph has not heard of it."""
        known = self._known.get(tenant_id)
        if known and time.monotonic() - known[0] < _FRESH_SECONDS:
            return known[1]
        rows = await self._database.fetch(system_binding(tenant_id), self._statement, [tenant_id])
        state = None
        if rows and rows[0] is not None:
            known_of = orjson.loads(rows[0])
            state = TenantState(tenant_id, known_of["timezone"], known_of["status"], frozenset(known_of["features"]))
        if len(self._known) >= _MOST_TENANTS:
            self._known.clear()
        self._known[tenant_id] = (time.monotonic(), state)
        return state
