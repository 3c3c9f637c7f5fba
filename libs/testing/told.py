"""A school as a subgraph knows it: what others tell of it comes by events, as the consumer applies them."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Self
from uuid import UUID

import orjson

from libs.crypto import KeyRing
from libs.db import Database, TenantTransaction
from libs.events import Consumers, Event, EventMeta, Inbox
from libs.events.envelope import Envelope, event_type, pack, unpack
from libs.events.sealing import seal_event
from libs.kernel import Binding, Scope, new_id
from libs.settings import Settings

_TOLD_AT = datetime(2026, 8, 31, 17, 30, tzinfo=UTC)  # 1 September in Jakarta
_MOST = 500
_sequences = itertools.count(10)


def envelopes_of(subgraph: str, rows: Iterable[Mapping[str, Any]]) -> list[Envelope]:
    """Rows of a subgraph's outbox as they come out of the stream."""
    return [
        unpack(
            pack(
                meta=EventMeta(row["id"], row["sequence"], row["time"], row["tenant_id"]),
                subgraph=subgraph,
                type=row["type"],
                subject_id=row["aggregate_id"],
                traceparent=None,
                data=orjson.dumps(row["data"]),
            )
        )
        for row in rows
    ]


@dataclass(frozen=True)
class ToldSchool(ABC):
    """One school in the database of one subgraph; `today` is what its clock shows."""

    settings: Settings
    database: Database
    tenant_id: UUID
    as_owner: Callable[..., list[dict[str, Any]]]
    today: date

    @abstractmethod
    def consumers(self) -> Consumers:
        """What the subgraph does about events."""

    def of(self, tenant_id: UUID) -> Self:
        """The same for another school."""
        return replace(self, tenant_id=tenant_id)

    @asynccontextmanager
    async def write(self, scope: Scope = Scope.TENANT) -> AsyncIterator[TenantTransaction]:
        """A transaction of the school."""
        async with self.database.write(Binding(self.tenant_id, scope)) as tx:
            yield tx

    def rows(self, table: str, order: str = "created_at, id") -> list[dict[str, Any]]:
        """This school's rows as the owner sees them."""
        schema = self.database.schema
        statement = f"select * from {schema}.{table} where tenant_id = %s order by {order}"  # noqa: S608 - a test's own
        return self.as_owner(schema, statement, (self.tenant_id,))

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """The data of this school's outbox rows, in order: all of them, or those of one type."""
        rows = self.rows("outbox", "sequence")
        return [row["data"] for row in rows if name is None or f".{name}." in row["type"]]

    def envelope(self, event: Event, *, sequence: int | None = None, time: datetime = _TOLD_AT) -> Envelope:
        """The event as it comes out of the stream."""
        body = pack(
            meta=EventMeta(new_id(), sequence or next(_sequences), time, self.tenant_id),
            subgraph=event.domain,
            type=event_type(type(event)),
            subject_id=event.aggregate_id,
            traceparent=None,
            data=seal_event(KeyRing.from_settings(self.settings), self.tenant_id, event),
        )
        return unpack(body)

    async def receive(self, *events: Event | Envelope) -> None:
        """Applies events as the consumer does; whatever one of them raises comes out."""
        inbox = Inbox(self.database, self.consumers(), KeyRing.from_settings(self.settings))
        envelopes = [each if isinstance(each, Envelope) else self.envelope(each) for each in events]
        for start in range(0, len(envelopes), _MOST):
            for error in (await inbox.apply(envelopes[start : start + _MOST])).values():
                raise error
