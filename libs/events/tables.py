"""The queue tables every subgraph has in its own schema: outbox, inbox, dead letters, idempotency keys."""

from dataclasses import dataclass
from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from libs.db import TableClass, grant_queue

DEAD_LETTER_STATUSES = ("OPEN", "REPLAYED", "DISCARDED")


@dataclass(frozen=True, slots=True)
class QueueTables:
    """The queue tables of one schema."""

    outbox: Table
    inbox: Table
    dead_letters: Table
    idempotency_keys: Table


def queue_tables(metadata: MetaData) -> QueueTables:
    """Declares the queue tables in a subgraph's metadata, once, from its model."""
    return QueueTables(_outbox(metadata), _inbox(metadata), _dead_letters(metadata), _idempotency_keys(metadata))


def create_queue_tables(metadata: MetaData) -> None:
    """Creates the queue tables within a migration, with their grants; `metadata` is that of the subgraph's base."""
    schema = metadata.schema
    fresh = MetaData(schema=schema, naming_convention=metadata.naming_convention)
    queue_tables(fresh)
    fresh.create_all(op.get_bind(), checkfirst=False)
    grant_queue(f"{schema}.outbox", app="insert", relay="select, update (published_at), delete")
    grant_queue(f"{schema}.inbox", app="select, insert, delete")
    grant_queue(f"{schema}.dead_letters", app="select, insert, update")
    grant_queue(f"{schema}.idempotency_keys", app="select, insert, update, delete")


def _outbox(metadata: MetaData) -> Table:
    return Table(
        "outbox",
        metadata,
        # Given at the flush, right before COMMIT, while the writer holds the lock of the aggregate's row: two writers
        # of one aggregate get their numbers in the order in which they commit. Between aggregates a lower number may
        # commit later, which is why nobody may read the outbox by a watermark.
        Column("sequence", BigInteger, Identity(always=True), primary_key=True),
        Column("id", Uuid, nullable=False),
        Column("tenant_id", Uuid, nullable=False),
        Column("subject", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("aggregate_id", Uuid, nullable=False),
        Column("time", DateTime(timezone=True), nullable=False),
        Column("traceparent", Text),
        Column("data", JSONB, nullable=False),
        Column("published_at", DateTime(timezone=True)),
        Index("ix_outbox_unpublished", "sequence", postgresql_where=text("published_at IS NULL")),
        info=_queue(),
    )


def _inbox(metadata: MetaData) -> Table:
    return Table(
        "inbox",
        metadata,
        Column("event_id", Uuid, primary_key=True),
        Column("tenant_id", Uuid, nullable=False),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        info=_queue(),
    )


def _dead_letters(metadata: MetaData) -> Table:
    statuses = ", ".join(f"'{status}'" for status in DEAD_LETTER_STATUSES)
    return Table(
        "dead_letters",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("tenant_id", Uuid, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("type", Text, nullable=False),
        Column("body", JSONB, nullable=False),
        Column("error", Text, nullable=False),
        Column("deliveries", Integer, nullable=False),
        Column("failed_at", DateTime(timezone=True), nullable=False),
        Column("status", Text, nullable=False, server_default="OPEN"),
        Column("reason", Text),
        Column("resolved_at", DateTime(timezone=True)),
        UniqueConstraint("event_id"),
        CheckConstraint(f"status IN ({statuses})", name="status"),
        Index("ix_dead_letters_tenant_id_status_id", "tenant_id", "status", "id"),
        info=_queue(),
    )


def _idempotency_keys(metadata: MetaData) -> Table:
    return Table(
        "idempotency_keys",
        metadata,
        Column("tenant_id", Uuid, primary_key=True),
        Column("principal", Text, primary_key=True),
        Column("key", Uuid, primary_key=True),
        Column("root_field", Text, primary_key=True),
        Column("input_hash", Text, nullable=False),
        Column("answer", JSONB),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Index("ix_idempotency_keys_created_at", "created_at"),
        info=_queue(),
    )


def _queue() -> dict[str, Any]:
    return {"class": TableClass.QUEUE}
