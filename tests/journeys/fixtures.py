"""Fixtures of running processes, as a plugin: journeys and faults share one stack."""

import os
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.journeys.stack import Stack, running_stack

_STACK = pytest.StashKey[Stack]()


@pytest.fixture(scope="session")
def running(request: pytest.FixtureRequest, node_modules: None) -> Iterator[Stack]:
    """The product, once for each worker of the run; in memory where there is such a place, as tests/conftest.py says."""
    memory = Path("/dev/shm")
    place = memory if os.access(memory, os.W_OK) else None
    with (
        tempfile.TemporaryDirectory(prefix="wiyata-stack-", dir=place, ignore_cleanup_errors=True) as folder,
        running_stack(Path(folder)) as stack,
    ):
        request.config.stash[_STACK] = stack
        yield stack


@pytest.fixture
def stack(running: Stack) -> Stack:
    """The product with everything alive, whatever the test before has left."""
    running.heal()
    return running


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the router."""
    async with httpx.AsyncClient(base_url=stack.url, timeout=60) as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows the ends of the processes' logs with a test that failed over them."""
    report = yield
    if report.failed and _STACK in item.config.stash and "running" in getattr(item, "fixturenames", ()):
        report.sections.append(("processes", item.config.stash[_STACK].logs()))
    return report
