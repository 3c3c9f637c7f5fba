import asyncio
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from pypdf import PdfReader

from libs.files import StoredFiles
from subgraphs.operations.report_card.adapters.chromium import ChromiumPrinter, NoBrowser, find_chromium
from subgraphs.operations.report_card.operations import Press
from tests.operations.grading.school import School
from tests.operations.report_card.cards import complete, generate, text_of, work


def _lines() -> dict[int, list[str]]:
    """The command lines of what this process has started, by process."""
    found = {}
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # ended meanwhile; a zombie has ended too
            if child.status() != psutil.STATUS_ZOMBIE:
                found[child.pid] = child.cmdline()
    return found


def _children() -> set[int]:
    return set(_lines())


def _browsers() -> set[int]:
    """Browsers without their renderers and other parts, which come and go."""
    return {pid for pid, line in _lines().items() if "--remote-debugging-pipe" in line and not _is_part(line)}


def _is_part(line: list[str]) -> bool:
    return any(each.startswith("--type=") for each in line)


async def test_pages_are_a4_with_their_fonts_and_one_browser_makes_them(chromium: str):
    before, printer = _children(), ChromiumPrinter(chromium)
    first = await printer.print("<p>Hasil belajar, Siti Aminah</p>")
    browser = _browsers()  # with the script that starts it, where it is one
    second = await printer.print("<p>dua</p>")
    assert browser
    assert _browsers() == browser
    page = PdfReader(BytesIO(first)).pages[0]
    assert float(page.mediabox.width) == pytest.approx(595.3, abs=1)  # points; A4 is 210 mm by 297 mm
    assert float(page.mediabox.height) == pytest.approx(841.9, abs=1)
    assert "Siti Aminah" in text_of(first)
    assert b"FontFile" in first
    assert "dua" in text_of(second)
    await printer.close()
    assert _children() <= before


async def test_a_page_reaches_nothing_and_runs_nothing(chromium: str, tmp_path: Path):
    secret = tmp_path / "secret.txt"
    secret.write_text("RAHASIA")
    printer = ChromiumPrinter(chromium)
    page = (
        f'<iframe src="{secret.as_uri()}"></iframe><img src="http://192.0.2.1/a.png">'
        '<link rel=stylesheet href="http://192.0.2.1/a.css"><script>document.write("JALAN")</script><p>isi</p>'
    )
    async with asyncio.timeout(15):
        text = text_of(await printer.print(page))
    assert "isi" in text
    assert "RAHASIA" not in text
    assert "JALAN" not in text
    await printer.close()


async def test_a_hang_leaves_no_process_and_the_next_page_has_a_new_browser(chromium: str):
    before, printer = _children(), ChromiumPrinter(chromium, print_seconds=8)
    await printer.print("<p>satu</p>")
    browsers = []
    for pid in _children() - before:
        with suppress(psutil.NoSuchProcess):  # the part of the browser that made the page may be ending
            browsers.append(process := psutil.Process(pid))
            if not process.name().startswith("node"):  # Playwright's own
                process.suspend()
    with pytest.raises(TimeoutError):
        await printer.print("<p>macet</p>")
    for process in browsers:
        if process.is_running():
            process.wait(5)
    assert "lagi" in text_of(await printer.print("<p>lagi</p>"))
    await printer.close()
    assert _children() <= before


async def test_a_crash_has_the_job_tried_again(here: School, press: Press):
    class Crashing:
        calls = 0

        async def print(self, html: str) -> bytes:
            self.calls += 1
            raise RuntimeError(f"the browser is gone, and {len(html)} characters with it")

    await complete(here)
    crashing = Crashing()
    await generate(here, here.students[0])
    assert await work(here, Press(press.vault, press.pages, crashing, press.files)) == 1
    (job,) = here.rows("jobs")
    assert (job["status"], job["attempts"]) == ("QUEUED", 1)
    assert here.rows("report_cards")[0]["status"] == "DRAFT"
    here.as_owner("operations", "update operations.jobs set run_after = now() - interval '1 minute' returning id")
    assert await work(here, press) == 1
    assert here.rows("jobs")[0]["status"] == "SUCCEEDED"
    assert here.rows("report_cards")[0]["status"] == "GENERATED"


def test_a_browser_that_is_not_there_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(NoBrowser, match="WIYATA_CHROMIUM: there is no /nowhere/chromium"):
        find_chromium("/nowhere/chromium")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoBrowser, match="need Chromium"):
        find_chromium()


async def test_files_are_kept_and_replaced_whole(tmp_path: Path):
    files = StoredFiles((tmp_path / "kept").as_uri())
    assert await files.get("a/b.pdf") is None
    await files.put("a/b.pdf", b"one")
    await files.put("a/b.pdf", b"two")
    assert await files.get("a/b.pdf") == b"two"
    assert await StoredFiles("memory:///").get("a") is None
