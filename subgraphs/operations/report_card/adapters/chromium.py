"""PDFs by Chromium, driven through Playwright: one browser, started when the first page is printed."""

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, Error, Playwright, Route, async_playwright

_NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
"""The shell without windows comes first: it prints in a quarter of the time."""
_FLAGS: Final = (
    "--no-sandbox",  # the page is our own, runs no script and reaches nothing; containers have no user namespaces
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_START_SECONDS: Final = 30.0
_PRINT_SECONDS: Final = 20.0
_END_SECONDS: Final = 5.0


class NoBrowser(Exception):
    """There is no Chromium to print with; the message says what to do."""


def find_chromium(given: str = "") -> Path:
    """The browser of the settings, or the first that the machine has. Raises NoBrowser."""
    if given:
        if not Path(given).is_file():
            raise NoBrowser(f"WIYATA_CHROMIUM: there is no {given}")
        return Path(given)
    for name in _NAMES:
        if found := shutil.which(name):
            return Path(found)
    raise NoBrowser("report cards need Chromium: install the package chromium, or name one in WIYATA_CHROMIUM")


class ChromiumPrinter:
    """Prints pages, one at a time, each in a context of its own that sees no network and runs no script."""

    def __init__(self, executable: str = "", *, print_seconds: float = _PRINT_SECONDS) -> None:
        self._executable = executable
        self._print_seconds = print_seconds
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._turn = asyncio.Lock()

    async def print(self, html: str) -> bytes:
        """The page on A4. Raises NoBrowser, TimeoutError or Playwright's Error; the browser is then a new one."""
        async with self._turn:
            try:
                async with asyncio.timeout(_START_SECONDS):
                    browser = await self._started()
                async with asyncio.timeout(self._print_seconds):
                    return await _printed(browser, html)
            except BaseException:  # also when the job is cancelled: what hangs must not be left behind
                await self._end()
                raise

    async def run(self, stop: asyncio.Event) -> None:
        """Ends the browser when the worker stops."""
        await stop.wait()
        await self.close()

    async def close(self) -> None:
        """Ends the browser; printing again starts another."""
        async with self._turn:
            await self._end()

    async def _started(self) -> Browser:
        if self._browser is not None and self._browser.is_connected():
            return self._browser
        await self._end()
        executable = find_chromium(self._executable)
        self._playwright = await async_playwright().start()
        self._browser = await self._playwright.chromium.launch(
            executable_path=executable, args=list(_FLAGS), headless=True, chromium_sandbox=False
        )
        return self._browser

    async def _end(self) -> None:
        """Closes the browser; one that does not answer is killed with the driver, whose child it is."""
        browser, playwright = self._browser, self._playwright
        self._browser = self._playwright = None
        if browser is not None:
            with suppress(TimeoutError, Error):
                await asyncio.wait_for(browser.close(), _END_SECONDS)
        if playwright is not None:
            with suppress(TimeoutError, Error):
                await asyncio.wait_for(playwright.stop(), _END_SECONDS)


async def _printed(browser: Browser, html: str) -> bytes:
    context = await browser.new_context(java_script_enabled=False, offline=True, locale="id-ID")
    try:
        await context.route("**/*", _refuse)
        page = await context.new_page()
        await page.set_content(html, wait_until="load")
        return await page.pdf(format="A4", print_background=True, prefer_css_page_size=True)
    finally:
        await context.close()


async def _refuse(route: Route) -> None:
    await route.abort()
