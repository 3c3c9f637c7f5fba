"""What every table of academic stands on, and the tables that belong to no aggregate: queues, keys, jobs, tenants."""

from libs.crypto import data_keys as declare_data_keys
from libs.db import StorageProjection, TenantProjection, subgraph_base
from libs.events import queue_tables
from libs.files import file_table
from libs.jobs import job_tables

SCHEMA = "academic"


class Base(subgraph_base(SCHEMA)):  # type: ignore[misc]  # the base is made per schema
    """The declarative base of the schema `academic`."""

    __abstract__ = True


class Tenant(TenantProjection, Base):
    """What academic knows of the schools as tenants."""

    __tablename__ = "tenants"


class CountedStorage(StorageProjection, Base):
    """What the other subgraphs keep for a school: it counts against the same quota."""


queues = queue_tables(Base.metadata)
data_keys = declare_data_keys(Base.metadata)
jobs = job_tables(Base.metadata)
files = file_table(Base.metadata)
