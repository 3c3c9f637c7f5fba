"""The engines of a test run: real PostgreSQL, Valkey and NATS on free ports, in a folder of their own."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.engines import Engines
from deploy.local.engines import engines as running
from tests.packages import install

pytest_plugins = ["libs.testing.plugin"]


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """One set of engines for each worker of the run.

    Not below pytest's own temporary folder: every run that starts closes that one to other users, and PostgreSQL
    runs as one of them when the tests run as root. In memory where there is such a place: a database is copied for
    each test, which costs five times as much on a disk.
    """
    memory = Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) else None
    with (
        tempfile.TemporaryDirectory(prefix="wiyata-test-", dir=place, ignore_cleanup_errors=True) as folder,
        running(Path(folder)) as started,
    ):
        yield started


@pytest.fixture(scope="session")
def node_modules() -> None:
    """The router's packages."""
    install(Path(__file__).parents[1] / "router")
