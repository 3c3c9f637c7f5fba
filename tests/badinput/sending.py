"""Sending what no client library would, and reading what came back without trust."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
from psycopg import sql

from libs.auth import Actor
from libs.settings import Settings
from libs.testing import GraphClient

_LEAKS = (
    "Traceback",
    'File \\"',
    ".py",
    "psycopg",
    "sqlalchemy",
    "asyncpg",
    "select ",
    "SELECT ",
    "insert into",
    "INSERT INTO",
    "relation ",
    "violates",
    "object at 0x",
    "127.0.0.1",
    "_app",
)


@dataclass(frozen=True)
class Reply:
    """What came back for one request."""

    status: int
    text: str
    body: Any
    sent: str = ""

    @property
    def errors(self) -> list[dict[str, Any]]:
        """Top-level errors, of every answer of a batch."""
        answers = self.body if isinstance(self.body, list) else [self.body]
        return [error for answer in answers if isinstance(answer, dict) for error in answer.get("errors") or []]

    @property
    def codes(self) -> set[str]:
        """Their codes."""
        return {error.get("extensions", {}).get("code", "without code") for error in self.errors}

    def assert_decent(self, about: object) -> None:
        """Whatever was sent: no failure of ours, nothing of the inside of the house, every error with a code."""
        assert self.status < 500, (str(about), self.text[:500])
        assert not self.codes & {"INTERNAL", "UNAVAILABLE", "without code"}, (str(about), self.text[:500])
        # What a client wrote may come back in the message that refuses it.
        leaks = [leak for leak in _LEAKS if leak in self.text and leak not in self.sent]
        assert leaks == [], (leaks, str(about), self.text[:500])


async def send(
    graph: GraphClient,
    body: Any,
    *,
    actor: Actor | None = None,
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
) -> Reply:
    """Sends a body to `/graphql`: bytes as they are, anything else as ASCII JSON, which can hold a lone surrogate."""
    sent = {"content-type": "application/json", **(headers or {})}
    if actor is not None:
        sent.setdefault("authorization", f"Bearer {graph.token(actor)}")
        if actor.tenant_id != actor.home_tenant_id:
            sent.setdefault("x-tenant-id", str(actor.tenant_id))
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = httpx.Request(method, "http://test/graphql", content=content, headers=sent)
    # A request that is refused early awaits nothing, and the application must hear of revocations every ten seconds.
    await asyncio.sleep(0)
    response = await graph.http.send(request)
    try:
        parsed = response.json()
    except ValueError:
        parsed = None
    return Reply(response.status_code, response.text, parsed, content.decode(errors="replace"))


def fingerprint(settings: Settings, subgraph: str, *, but: tuple[str, ...] = ()) -> dict[str, tuple[int, int]]:
    """Rows and their contents by table, all schools; sequences aside. `but` names prefixes of tables to leave out."""
    name = settings.database_url.rpartition("/")[2]
    with psycopg.connect(settings.database_admin_url.get_secret_value(), dbname=name) as connection:
        cursor = connection.execute(
            "select table_name from information_schema.tables where table_schema = %s and table_type = 'BASE TABLE'",
            (subgraph,),
        )
        tables = [table for (table,) in cursor if not table.startswith(("alembic", *but))]
        statements = [
            sql.SQL("select {}, count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) from {} t").format(
                sql.Literal(table), sql.Identifier(subgraph, table)
            )
            for table in tables
        ]
        rows = connection.execute(sql.SQL(" union all ").join(statements)).fetchall()
    return {table: (count, content) for table, count, content in rows}
