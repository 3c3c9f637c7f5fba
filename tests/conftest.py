"""The engines of a test run: real PostgreSQL, Valkey and NATS on free ports, in a folder of their own."""

from collections.abc import Iterator

import pytest

from deploy.local.engines import Engines
from deploy.local.engines import engines as running

pytest_plugins = ["libs.testing.plugin"]


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """One set of engines for each worker of the run."""
    with running(tmp_path_factory.mktemp("engines")) as started:
        yield started
