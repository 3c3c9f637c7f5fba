"""What every table of admission stands on, and the tables that belong to no aggregate."""

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
