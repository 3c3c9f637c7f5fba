"""Models and migrations agree: a migration that was forgotten is found here, not in production."""

import pytest

from libs.db import drift
from libs.testing import Template
from tests.architecture.catalogue import subgraphs_with_tables


@pytest.mark.parametrize("subgraph", subgraphs_with_tables())
def test_models_and_migrations_agree(template: Template, subgraph: str):
    difference = drift(template.settings, subgraph)
    assert difference is None, difference
