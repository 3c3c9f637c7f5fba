"""Loads the fixtures of running processes."""

import pytest

FIXTURES = "tests.journeys.fixtures"


def pytest_configure(config: pytest.Config) -> None:
    """Once for journeys and faults together, so that a run starts the processes once."""
    if not config.pluginmanager.has_plugin(FIXTURES):
        config.pluginmanager.import_plugin(FIXTURES)
