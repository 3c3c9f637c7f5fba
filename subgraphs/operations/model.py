"""What every table of operations stands on, and the tables that belong to no aggregate."""

from libs.crypto import data_keys
from libs.db import StorageProjection, TenantProjection, subgraph_base
from libs.events import queue_tables
from libs.files import file_table
from libs.jobs import job_tables

SCHEMA = "operations"


class Base(subgraph_base(SCHEMA)):  # type: ignore[misc]  # the base is made per schema
    """The declarative base of the schema `operations`."""

    __abstract__ = True


class Tenant(TenantProjection, Base):
    """The schools, from identity's events."""


class CountedStorage(StorageProjection, Base):
    """What the other subgraphs keep for a school: it counts against the same quota."""


queues = queue_tables(Base.metadata)
jobs = job_tables(Base.metadata)
files = file_table(Base.metadata)
person_keys = data_keys(Base.metadata)
