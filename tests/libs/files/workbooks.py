"""Workbooks as Excel writes them, and as nobody should."""

import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from openpyxl import Workbook

Parts = dict[str, bytes]


def workbook(rows: Iterable[Sequence[Any]], *, sheets: Sequence[str] = ("Data",)) -> bytes:
    """An XLSX file with these rows in its first sheet; texts stay texts, also those that look like formulas."""
    book = Workbook()
    book.active.title = sheets[0]
    for row in rows:
        book.active.append(list(row))
    for title in sheets[1:]:
        book.create_sheet(title).append(["of another sheet"])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def changed(content: bytes, change: Callable[[Parts], None]) -> bytes:
    """The workbook with other parts."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return written.getvalue()


def with_cells(cells: str) -> bytes:
    """A workbook whose sheet holds these rows, as XML."""

    def change(parts: Parts) -> None:
        namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        sheet = f'<worksheet xmlns="{namespace}"><sheetData>{cells}</sheetData></worksheet>'
        parts["xl/worksheets/sheet1.xml"] = sheet.encode()

    return changed(workbook([["a"]]), change)
