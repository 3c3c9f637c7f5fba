"""The table of files every subgraph that takes uploads has in its own schema."""

from typing import Final

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    text,
)

from libs.db import TableClass, enable_worker_rls
from libs.files.content import FileType

STATUSES: Final = ("REQUESTED", "STORED", "TAKEN")
"""An address was given for it; it is there; an import has it."""


def file_table(metadata: MetaData) -> Table:
    """Declares the table `files` in a subgraph's metadata, once, from its model."""
    statuses, types = (", ".join(f"'{each}'" for each in values) for values in (STATUSES, FileType))
    return Table(
        "files",
        metadata,
        Column("tenant_id", Uuid, primary_key=True, server_default=text("app_tenant()")),
        Column("id", Uuid, primary_key=True),
        Column("created_by", Uuid, nullable=False),
        Column("name", Text, nullable=False),  # shown to people, and no path of anything
        Column("size", BigInteger, nullable=False),  # bytes: as announced, then as they came
        Column("type", Text, nullable=False),
        Column("sha256", LargeBinary),  # of what came; from then on its address is used up
        Column("status", Text, nullable=False, server_default="REQUESTED"),
        Column("expires_at", DateTime(timezone=True), nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("updated_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        CheckConstraint(f"status IN ({statuses})", name="status"),
        CheckConstraint(f"type IN ({types})", name="type"),
        CheckConstraint("status = 'REQUESTED' OR sha256 IS NOT NULL", name="content"),
        Index("ix_files_expires_at", "expires_at"),
        info={"class": TableClass.QUEUE},
    )


def create_file_table(metadata: MetaData) -> None:
    """Creates the table within a migration, with its row-level security and grants."""
    schema = metadata.schema
    fresh = MetaData(schema=schema, naming_convention=metadata.naming_convention)
    file_table(fresh).create(op.get_bind(), checkfirst=False)
    enable_worker_rls(f"{schema}.files", grants="select, insert, update, delete")
