"""The engines of a test run: real PostgreSQL, Valkey and NATS on free ports, in a folder of their own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.engines import Engines
from deploy.local.engines import engines as running

pytest_plugins = ["libs.testing.plugin"]


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """One set of engines for each worker of the run.

    Not below pytest's own temporary folder: every run that starts closes that one to other users, and PostgreSQL
    runs as one of them when the tests run as root.
    """
    with (
        tempfile.TemporaryDirectory(prefix="wiyata-test-", ignore_cleanup_errors=True) as folder,
        running(Path(folder)) as started,
    ):
        yield started
