"""Two schools whose pupils are graded, and what makes their report cards."""

from collections.abc import AsyncIterator

import pytest

from libs.crypto import KeyRing, Vault
from libs.settings import Settings
from subgraphs.operations.model import person_keys
from subgraphs.operations.report_card.adapters.chromium import ChromiumPrinter
from subgraphs.operations.report_card.adapters.objects import StoredFiles
from subgraphs.operations.report_card.adapters.page import Pages
from subgraphs.operations.report_card.operations import Press
from tests.operations.grading.conftest import client, here, there

__all__ = ["client", "here", "there"]


@pytest.fixture
async def press(settings: Settings) -> AsyncIterator[Press]:
    """A press with a real Chromium."""
    printer = ChromiumPrinter(settings.chromium)
    vault = Vault(KeyRing.from_settings(settings), person_keys)
    yield Press(vault, Pages(settings.public_url), printer, StoredFiles(settings.files_url))
    await printer.close()
