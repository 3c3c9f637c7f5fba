"""The real graph with both schools of tests/reads, asked by both ways through the router."""

import asyncio
from collections.abc import Iterator

import pytest

from libs.settings import Settings
from libs.testing import Template, clone_database
from tests.lane.graph import ENVIRONMENTS, BothWays, both_routers, serving
from tests.reads.conftest import APPS, load_schools
from tests.reads.people import make_accounts


@pytest.fixture(scope="session")
def loaded(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a database that holds both schools."""
    with clone_database(template) as cloned:
        folder = tmp_path_factory.mktemp("lane")
        folders = {"mail_url": f"sink:{folder / 'mail'}", "files_url": (folder / "files").as_uri()}
        settings = cloned.model_copy(update=folders)
        load_schools(settings)
        asyncio.run(make_accounts(settings))
        yield settings


@pytest.fixture(scope="session")
def subgraph_urls(loaded: Settings) -> Iterator[dict[str, str]]:
    """Where the subgraphs answer."""
    with serving({name: create_app(loaded) for name, create_app in APPS.items()}) as urls:
        yield urls


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def both_ways(
    request: pytest.FixtureRequest, loaded: Settings, subgraph_urls: dict[str, str], node_modules: None
) -> Iterator[BothWays]:
    """Both routers, which exempt us from the rates."""
    with both_routers(loaded, subgraph_urls, request.param) as routers:
        yield routers
