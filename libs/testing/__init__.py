"""Fixtures for tests: a cloned database each, two schools, actors with real tokens, a graph client in process.

`tests/conftest.py` loads `libs.testing.plugin`; nothing outside tests imports this room.
"""

from libs.testing.actors import TestKeys, actor_of
from libs.testing.databases import Template, clone_database, owner_rows
from libs.testing.graph import GraphAnswer, GraphClient
from libs.testing.told import ToldSchool, envelopes_of

__all__ = [
    "GraphAnswer",
    "GraphClient",
    "Template",
    "TestKeys",
    "ToldSchool",
    "actor_of",
    "clone_database",
    "envelopes_of",
    "owner_rows",
]
