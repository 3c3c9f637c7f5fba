"""The lines of a file of rows: of a CSV file as schools have it (with BOM or without, commas, semicolons or tabs, any
line ends), or of a workbook's sheet. Equal cells give equal lines."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from libs.kernel import FieldFault

FILE_PATH: Final = "input.file.text"
"""Where a file stands in the input; the same for an upload, so that the same rows are told the same of."""
_LONGEST_LINE: Final = 128 * 1024  # characters, as the longest cell that csv reads
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
FILE_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "FORMAT": {"id": "Isinya tidak dapat dibaca.", "en": "This cannot be read."},
    "DUPLICATE": {"id": "Muncul lebih dari sekali dalam berkas.", "en": "Appears more than once in the file."},
}
"""What is said of any file, by code; an import adds what it says of its own columns."""
_LINE_TEXTS: Final = {
    **FILE_TEXTS,
    "MISSING_COLUMN": {"id": "Kolom ini harus ada.", "en": "This column is needed."},
    "UNKNOWN_COLUMN": {"id": "Kolom ini tidak dikenal.", "en": "This column is not known."},
    "FORBIDDEN_CHARACTER": {"id": "Ada karakter yang tidak diizinkan.", "en": "Holds a character that is not allowed."},
}


class Unreadable(Exception):
    """The file is broken: an open quote, a truncated workbook, one that would need too much memory."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The first visible sheet of a workbook: its cells as the text that a CSV file would hold, row by row from 1."""

    rows: Sequence[Sequence[str]]


Content = str | Sheet
"""What imports read: the text of a CSV file, or a sheet."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line below the header; `number` is where it begins in the file or the sheet, whose first line is 1."""

    number: int
    values: Mapping[str, str]
    """By column, stripped and NFC; columns beyond the end of a short line are absent."""


def path_in_file(line: int, column: str) -> str:
    """Where a value of the file stands in the input."""
    return f"{FILE_PATH}[{line}].{column}"


def read_lines(
    content: Content, *, required: Sequence[str], optional: Sequence[str], most_lines: int
) -> tuple[list[Line], list[FieldFault]]:
    """The lines that hold something, or else every fault of the header and of the file as a whole.

    Titles are compared without regard to case; their order is free. `most_lines` counts those below the header.
    """
    try:
        lines = list(islice(numbered_cells(content), most_lines + 2))
    except Unreadable:
        return [], [FieldFault(FILE_PATH, "FORMAT", FILE_TEXTS["FORMAT"])]
    header = [title.casefold() for title in lines[0][1]] if lines else []
    faults = list(_header_faults(header, required, optional))
    if len(lines) - 1 > most_lines:
        faults.append(FieldFault(FILE_PATH, "TOO_MANY_ROWS", _too_many(most_lines)))
    read = [Line(number, dict(zip(header, cells, strict=False))) for number, cells in lines[1:]]
    faults = faults or [
        _fault(line.number, column, "FORBIDDEN_CHARACTER")
        for line in read
        for column, value in line.values.items()
        if _CONTROL.search(value)
    ]
    return ([], faults) if faults else (read, [])


def numbered_cells(content: Content) -> Iterator[tuple[int, list[str]]]:
    """The lines that hold something with their numbers, the header first; cells are stripped and NFC.

    Lines of a sheet end where the header does, unless a cell beyond it holds something. Raises Unreadable.
    """
    width = 0
    for number, cells in _rows_of(content) if isinstance(content, Sheet) else _records(content):
        stripped = [unicodedata.normalize("NFC", cell).strip() for cell in cells]
        if not any(stripped):
            continue
        if isinstance(content, Sheet):
            filled = max(place for place, cell in enumerate(stripped, 1) if cell)
            width = width or filled
            stripped = stripped[: max(filled, width)]
        yield number, stripped


def _rows_of(sheet: Sheet) -> Iterator[tuple[int, Sequence[str]]]:
    yield from enumerate(sheet.rows, 1)


def _records(text: str) -> Iterator[tuple[int, Sequence[str]]]:
    content = text.removeprefix("\ufeff")
    first = content.lstrip("\r\n").split("\n", 1)[0]
    lines = _bounded(io.StringIO(content, newline=""))
    reader = csv.reader(lines, delimiter=max(",;\t", key=first.count), strict=True)
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable from error


def _bounded(lines: Iterable[str]) -> Iterator[str]:
    """The lines, none so long that its cells would need many times the memory of the file."""
    for line in lines:
        if len(line) > _LONGEST_LINE:
            raise Unreadable
        yield line


def _header_faults(header: Sequence[str], required: Sequence[str], optional: Sequence[str]) -> Iterator[FieldFault]:
    yield from (_fault(1, column, "MISSING_COLUMN") for column in required if column not in header)
    for place, title in enumerate(header, 1):
        if title not in (*required, *optional):
            yield _fault(1, title or str(place), "UNKNOWN_COLUMN")
    yield from (
        _fault(1, title, "DUPLICATE") for title in sorted({title for title in header if header.count(title) > 1})
    )


def _fault(line: int, column: str, code: str) -> FieldFault:
    return FieldFault(path_in_file(line, column), code, _LINE_TEXTS[code])


def _too_many(most: int) -> Mapping[str, str]:
    counted = f"{most:,}"
    return {"id": f"Paling banyak {counted.replace(',', '.')} baris.", "en": f"{counted} rows at most."}
