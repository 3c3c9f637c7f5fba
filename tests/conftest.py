"""The engines of a test run: real PostgreSQL, Valkey and NATS on free ports, in a folder of their own."""

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.engines import Engines
from deploy.local.engines import engines as running
from deploy.local.node import find_node, packages_are_current

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
    """The router's packages, installed where they are missing: by one worker, while the others wait for it."""
    router, node = Path(__file__).parents[1] / "router", find_node()
    with (router / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not packages_are_current(router):
            command = [*node.npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(command, cwd=router, env={**os.environ, **node.environment()}, check=True, timeout=300)
