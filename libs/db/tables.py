"""How tables are declared: one declarative base per schema, with the columns every table has."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    MetaData,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from libs.kernel import new_id

NAMING = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}


class TableClass(StrEnum):
    """The class of a table (data.md); kept in `table.info["class"]`, tenant where nothing is said."""

    TENANT = "tenant"
    PLATFORM = "platform"
    PROJECTION = "projection"
    QUEUE = "queue"
    VAULT = "vault"


def subgraph_base(schema: str) -> type[DeclarativeBase]:
    """The declarative base of one subgraph's schema; every table of it is declared on this base."""

    class Base(DeclarativeBase):
        metadata = MetaData(schema=schema, naming_convention=NAMING)
        type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012 - SQLAlchemy reads it off the class

    return Base


class Timestamps:
    """When a row came to be and when it last changed, by the clock of the transaction's server."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now(), sort_order=91)


class TenantRow(Timestamps):
    """A row of a school: primary key `(tenant_id, id)`; tenant_id is what row-level security compares.

    `tenant_id` has the transaction's own tenant as its default, so that no operation has to repeat it.
    """

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("app_tenant()"), sort_order=-20)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-19)


class PlatformRow(Timestamps):
    """A row of the platform itself: its key is global."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-19)


class Versioned:
    """What people edit: `version` rises with every change, and an update of a stale version is a Conflict."""

    version: Mapped[int] = mapped_column(server_default="1", default=1, sort_order=89)


class TenantProjection(TenantRow):
    """What a subgraph knows of a school from identity's events; `id` equals `tenant_id`.

    `sequence` is that of the event applied last: an older one that arrives late changes nothing.
    """

    __tablename__ = "tenants"

    sequence: Mapped[int] = mapped_column(BigInteger)
    slug: Mapped[str]
    name: Mapped[str]
    npsn: Mapped[str | None]
    level: Mapped[str]
    timezone: Mapped[str]
    status: Mapped[str]
    features: Mapped[list[str]] = mapped_column(ARRAY(Text))
    quotas: Mapped[dict[str, int]] = mapped_column(JSONB)

    __table_args__ = ({"info": {"class": TableClass.PROJECTION}},)


class StorageProjection(TenantRow):
    """What each subgraph that keeps files says it keeps for a school, bytes: a row per domain.

    `sequence` is that of its last event; those of two domains say nothing of each other.
    """

    __tablename__ = "counted_storage"

    domain: Mapped[str] = mapped_column(Text)
    kept_bytes: Mapped[int] = mapped_column(BigInteger)
    sequence: Mapped[int] = mapped_column(BigInteger)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805 - SQLAlchemy's own form: a constraint belongs to one table
        return (
            UniqueConstraint("tenant_id", "domain"),
            CheckConstraint("kept_bytes >= 0", name="kept_bytes"),
            {"info": {"class": TableClass.PROJECTION}},
        )


def one_of(column: str, *values: str) -> CheckConstraint:
    """A CHECK, named ck_<table>_<column>, that the column holds one of these values (or is null)."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=column)


def tenant_key(column: str, target: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """A composite foreign key `(tenant_id, column)` to `schema.table`: a plain one would accept another tenant's row.

    `ondelete` is e.g. "CASCADE" or "SET NULL (column)".
    """
    return ForeignKeyConstraint(["tenant_id", column], [f"{target}.tenant_id", f"{target}.id"], ondelete=ondelete)
