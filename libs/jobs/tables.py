"""The job tables every subgraph with long or timed work has in its own schema."""

from dataclasses import dataclass

from alembic import op
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from libs.db import TableClass, enable_worker_rls

JOB_STATUSES = ("QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED")


@dataclass(frozen=True, slots=True)
class JobTables:
    """The job tables of one schema."""

    jobs: Table
    timed_jobs: Table


def job_tables(metadata: MetaData) -> JobTables:
    """Declares the job tables in a subgraph's metadata, once, from its model."""
    return JobTables(_jobs(metadata), _timed_jobs(metadata))


def create_job_tables(metadata: MetaData) -> None:
    """Creates the job tables within a migration, with their row-level security and grants."""
    schema = metadata.schema
    fresh = MetaData(schema=schema, naming_convention=metadata.naming_convention)
    job_tables(fresh)
    fresh.create_all(op.get_bind(), checkfirst=False)
    for table in ("jobs", "timed_jobs"):
        enable_worker_rls(f"{schema}.{table}", grants="select, insert, update")


def _jobs(metadata: MetaData) -> Table:
    statuses = ", ".join(f"'{status}'" for status in JOB_STATUSES)
    return Table(
        "jobs",
        metadata,
        Column("tenant_id", Uuid, primary_key=True, server_default=text("app_tenant()")),
        Column("id", Uuid, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("status", Text, nullable=False, server_default="QUEUED"),
        Column("done", Integer, nullable=False, server_default="0"),
        Column("total", Integer),
        Column("errors", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
        Column("payload", LargeBinary),  # null once the job has ended
        Column("traceparent", Text),
        Column("created_by", Uuid),
        Column("run_after", DateTime(timezone=True), nullable=False),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("cancel_requested", Boolean, nullable=False, server_default=text("false")),
        Column("lease", Uuid),
        Column("claimed_until", DateTime(timezone=True)),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        CheckConstraint(f"status IN ({statuses})", name="status"),
        Index("ix_jobs_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        Index("ix_jobs_open", "run_after", postgresql_where=text("status IN ('QUEUED', 'RUNNING')")),
        info={"class": TableClass.QUEUE},
    )


def _timed_jobs(metadata: MetaData) -> Table:
    return Table(
        "timed_jobs",
        metadata,
        Column("tenant_id", Uuid, primary_key=True, server_default=text("app_tenant()")),
        Column("name", Text, primary_key=True),
        Column("next_run_at", DateTime(timezone=True), nullable=False),
        Column("last_run_at", DateTime(timezone=True)),
        Index("ix_timed_jobs_next_run_at", "next_run_at"),
        info={"class": TableClass.QUEUE},
    )
