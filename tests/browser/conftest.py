"""A small app as a school's developer makes it: generated from the graph's schema, type-checked, bundled, shown by Chromium."""

import re
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.async_api import Page, Request, async_playwright

from deploy.local.chromium import obtain
from deploy.local.node import find_node
from deploy.local.state import ROOT, StateFolder
from tests.journeys.school import PASSWORD, School
from tests.journeys.stack import Stack
from tests.packages import install

HERE = Path(__file__).parent
FIXTURES = "tests.journeys.fixtures"
SECONDS = 60
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]


def pytest_configure(config: pytest.Config) -> None:
    """Once for all that needs running processes, so that a run starts them once."""
    if not config.pluginmanager.has_plugin(FIXTURES):
        config.pluginmanager.import_plugin(FIXTURES)


def run(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of the app's packages in its folder."""
    node = find_node()
    command = [node.program, f"node_modules/.bin/{program}", *arguments]
    environment = {"HOME": str(folder)} | node.environment()
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
    )


@pytest.fixture(scope="session")
def packages() -> None:
    """What the app is made of."""
    install(HERE)


@pytest.fixture
def sources(running: Stack, packages: None, tmp_path: Path) -> Path:
    """The app's own files beside the schema that the graph shows in development."""
    return copy_sources(running, tmp_path)


def copy_sources(running: Stack, folder: Path) -> Path:
    """Puts them into a folder, which a test may change."""
    for file in HERE.iterdir():
        if file.suffix in {".graphql", ".html", ".json", ".ts"}:
            shutil.copy(file, folder)
    (folder / "node_modules").symlink_to(HERE / "node_modules")
    answer = httpx.get(f"{running.url}/schema.graphql", timeout=SECONDS)
    (folder / "schema.graphql").write_text(answer.raise_for_status().text)
    return folder


@pytest.fixture(scope="session")
def app(running: Stack, packages: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the app, ready to be served."""
    running.heal()
    folder = copy_sources(running, tmp_path_factory.mktemp("app"))
    for command in (
        ("graphql-codegen", "--config", "codegen.json"),
        ("esbuild", "page.ts", "--bundle", "--format=esm", "--outfile=page.js"),
    ):
        built = run(folder, *command)
        assert built.returncode == 0, built.stderr
    return folder


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def served(stack: Stack, app: Path) -> Iterator[str]:
    """The origin that the app is served from, the only one that the router's settings name."""
    port = urlsplit(stack.page_origin).port
    assert port is not None
    with ThreadingHTTPServer(("127.0.0.1", port), partial(_Quiet, directory=str(app))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield stack.page_origin
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The machine's Chromium, else a packaged one."""
    return str(obtain(StateFolder(ROOT / ".wiyata").chromium))


@dataclass
class App:
    """The app in a browser, and every operation it has sent over HTTP."""

    page: Page
    requests: list[Request] = field(default_factory=list)

    async def sign_in(self, school: School, who: str, password: str = PASSWORD) -> None:
        """Fills in the form, and waits until the page says what came of it."""
        await self.page.fill("[name=email]", school.email(who))
        await self.page.fill("[name=password]", password)
        await self.page.click("form button")
        await self.says("[role=alert]", re.compile(r"\w"))

    async def says(self, selector: str, text: str | re.Pattern[str]) -> str:
        """What an element says once this is part of it."""
        await self.page.locator(selector).filter(has_text=text).wait_for(state="attached", timeout=10_000)
        return await self.page.inner_text(selector)

    async def items(self, selector: str, count: int) -> list[str]:
        """The items of a list once it has that many."""
        await self.page.locator(f"{selector} li:nth-child({count})").wait_for(timeout=10_000)
        return await self.page.locator(f"{selector} li").all_inner_texts()

    async def operations(self) -> list[tuple[str, str, str, str]]:
        """Of each request: method, operation, whether it has gone as hash or text, and the code of the answer's error or `ok`."""
        return [await _operation(request) for request in self.requests]


async def _operation(request: Request) -> tuple[str, str, str, str]:
    sent: dict[str, Any] = request.post_data_json or {
        name: value for name, (value,) in parse_qs(urlsplit(request.url).query).items()
    }
    assert "sha256Hash" in str(sent["extensions"])
    response = await request.response()
    assert response is not None
    errors = (await response.json()).get("errors")
    outcome = errors[0]["extensions"]["code"] if errors else "ok"
    return request.method, sent["operationName"], "text" if "query" in sent else "hash", outcome


OpenApp = Callable[..., AbstractAsyncContextManager[App]]


@pytest.fixture
def open_app(served: str, stack: Stack, school: School, chromium: str) -> OpenApp:
    """`async with open_app() as app`: a new browser; `origin` is where the app comes from, `get` whether queries go by GET."""

    @asynccontextmanager
    async def opened(origin: str = served, *, get: bool = False) -> AsyncIterator[App]:
        told = {"graph": f"{stack.url}/graphql", "tenant": school.tenant, "class": school.ids["class 1"]}
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS, chromium_sandbox=False)
            app = App(await browser.new_page(locale="id-ID"))
            app.page.on("request", lambda request: app.requests.append(request) if "/graphql" in request.url else None)
            await app.page.goto(f"{origin}/index.html?{urlencode(told | ({'get': '1'} if get else {}))}")
            yield app
            await browser.close()

    return opened
