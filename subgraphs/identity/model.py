"""The schema `identity`: its declarative base, its queue and job tables and its vault."""

from libs.crypto import data_keys
from libs.db import subgraph_base
from libs.events import queue_tables
from libs.files import file_table
from libs.jobs import job_tables


class Base(subgraph_base("identity")):  # type: ignore[misc] # the base is made per schema
    """The declarative base of the schema `identity`."""

    __abstract__ = True


queues = queue_tables(Base.metadata)
jobs = job_tables(Base.metadata)
vault_table = data_keys(Base.metadata)
files = file_table(Base.metadata)
