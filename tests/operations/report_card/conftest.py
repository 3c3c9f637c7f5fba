"""Two schools whose pupils are graded, and what makes their report cards."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.chromium import obtain
from deploy.local.state import ROOT, StateFolder
from libs.crypto import KeyRing, Vault
from libs.files import StoredFiles
from libs.settings import Settings
from subgraphs.operations.model import person_keys
from subgraphs.operations.report_card.adapters.chromium import ChromiumPrinter
from subgraphs.operations.report_card.adapters.page import Pages
from subgraphs.operations.report_card.operations import Press
from tests.operations.grading.conftest import client, here, there

__all__ = ["client", "here", "there"]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The machine's Chromium, else a packaged one, which stays where the local stack looks for it."""
    return str(obtain(StateFolder(ROOT / ".wiyata").chromium))


@pytest.fixture
async def press(settings: Settings, chromium: str) -> AsyncIterator[Press]:
    """A press with a real Chromium."""
    printer = ChromiumPrinter(chromium)
    vault = Vault(KeyRing.from_settings(settings), person_keys)
    yield Press(vault, Pages(settings.public_url), printer, StoredFiles(settings.files_url))
    await printer.close()
