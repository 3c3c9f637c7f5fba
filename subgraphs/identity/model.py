"""The schema `identity`: its declarative base, its queue tables and its vault."""

from libs.crypto import data_keys
from libs.db import subgraph_base
from libs.events.tables import queue_tables

Base = subgraph_base("identity")
queues = queue_tables(Base.metadata)
vault_table = data_keys(Base.metadata)
