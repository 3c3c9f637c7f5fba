"""Reads a workbook in a process of its own: XLSX on standard input, its cells as JSON on standard output.

The reader takes room for every cell between the first and the last one, and a file of two kilobytes can name the last
cell there is: it does not fail then, it ends the process (tafia/calamine#693). So the process is one that may end, with
limits of its own. It imports nothing of ours, and starts in a tenth of a second.
"""

import io
import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Final

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

MEMORY_BYTES: Final = 2**30
CPU_SECONDS: Final = 20
MOST_CHARACTERS: Final = 64 * 2**20
Cell = int | float | str | bool | time | date | datetime | timedelta
_WHOLE: Final = 2.0**53  # up to here a float is exactly the number that was typed


def text_of(cell: Cell) -> str:
    """A cell as the text that a CSV file would hold: numbers without `.0`, dates as ISO, truth in capitals."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) <= _WHOLE:
        return str(int(cell))
    if isinstance(cell, date | time):
        return _moment(cell)
    if isinstance(cell, timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")
    return str(cell)


def _moment(cell: date | time) -> str:
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds") if cell.time() != time() else cell.date().isoformat()
    if isinstance(cell, time):
        return cell.isoformat(timespec="seconds" if cell.second else "minutes")
    return cell.isoformat()


def rows_of(content: bytes) -> Iterator[list[str]]:
    """The rows of the first visible sheet from its first one on, also empty ones.

    Raises CalamineError for what is no workbook or holds no sheet, MemoryError when the sheet is too large.
    """
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    visible = (
        place
        for place, sheet in enumerate(book.sheets_metadata)
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    )
    place = next(visible, None)
    if place is None:
        raise CalamineError("no sheet that could be read")
    characters = 0
    for row in book.get_sheet_by_index(place).iter_rows():
        texts = [text_of(cell) for cell in row]
        characters += sum(map(len, texts))
        if characters > MOST_CHARACTERS:
            raise MemoryError
        yield texts


def main() -> int:
    """0 when the rows were written, 1 when the workbook cannot be read."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - where there is one

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        rows = list(rows_of(sys.stdin.buffer.read()))
    except (CalamineError, MemoryError, ValueError):
        return 1
    json.dump(rows, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
