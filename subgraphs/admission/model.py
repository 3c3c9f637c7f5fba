"""What every table of admission stands on, and the tables that belong to no aggregate."""

from sqlalchemy import CheckConstraint

from libs.crypto import data_keys
from libs.db import TenantProjection, subgraph_base
from libs.events import queue_tables
from libs.jobs import job_tables

SCHEMA = "admission"


class Base(subgraph_base(SCHEMA)):  # type: ignore[misc]  # the base is made per schema
    """The declarative base of the schema `admission`."""

    __abstract__ = True


class Tenant(TenantProjection, Base):
    """The schools, from identity's events."""


queues = queue_tables(Base.metadata)
jobs = job_tables(Base.metadata)
person_keys = data_keys(Base.metadata)


def one_of(column: str, *values: str) -> CheckConstraint:
    """A CHECK, named ck_<table>_<column>, that the column holds one of these values (or is null)."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({listed})", name=column)
