"""Models and migrations agree, forwards and back: what was forgotten is found here, not in production."""

import pytest
from alembic import command

from libs.db import drift, migrate
from libs.db.migrations import _config
from libs.testing import Template, clone_database
from tests.architecture.catalogue import subgraphs_with_tables


@pytest.mark.parametrize("subgraph", subgraphs_with_tables())
def test_models_and_migrations_agree(template: Template, subgraph: str):
    difference = drift(template.settings, subgraph)
    assert difference is None, difference


@pytest.mark.parametrize("subgraph", subgraphs_with_tables())
def test_what_was_added_since_a_subgraph_stood_can_be_taken_back(template: Template, subgraph: str):
    """Academic stood with its third migration, the others with their first."""
    with clone_database(template) as settings:
        command.downgrade(_config(settings, subgraph), "0003" if subgraph == "academic" else "0001")
        migrate(settings, subgraph)
        difference = drift(settings, subgraph)
        assert difference is None, difference
