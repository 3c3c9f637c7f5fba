"""The lines of a CSV file, as schools have it: with BOM or without, commas, semicolons or tabs, any line ends."""

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from libs.kernel import FieldFault

_PATH: Final = "input.file.text"
CSV_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "FORMAT": {"id": "Isinya tidak dapat dibaca.", "en": "This cannot be read."},
    "DUPLICATE": {"id": "Muncul lebih dari sekali dalam berkas.", "en": "Appears more than once in the file."},
}
"""What is said of any file, by code; an import adds what it says of its own columns."""
_HEADER_TEXTS: Final = {
    **CSV_TEXTS,
    "MISSING_COLUMN": {"id": "Kolom ini harus ada.", "en": "This column is needed."},
    "UNKNOWN_COLUMN": {"id": "Kolom ini tidak dikenal.", "en": "This column is not known."},
}


@dataclass(frozen=True, slots=True)
class CsvLine:
    """One line below the header; `number` is where it begins in the file, the header being line 1."""

    number: int
    values: Mapping[str, str]
    """By column, stripped and NFC; columns beyond the end of a short line are absent."""


def path_in_file(line: int, column: str) -> str:
    """Where a value of the file stands in the input."""
    return f"{_PATH}[{line}].{column}"


def read_csv(
    text: str, *, required: Sequence[str], optional: Sequence[str], most_lines: int
) -> tuple[list[CsvLine], list[FieldFault]]:
    """The lines that hold something, or else every fault of the header and of the file as a whole.

    Titles are compared without regard to case; their order is free. `most_lines` counts those below the header.
    """
    try:
        lines = list(_cells(text))
    except csv.Error:
        return [], [FieldFault(_PATH, "FORMAT", CSV_TEXTS["FORMAT"])]
    header = [title.casefold() for title in lines[0][1]] if lines else []
    faults = list(_header_faults(header, required, optional))
    if len(lines) - 1 > most_lines:
        faults.append(FieldFault(_PATH, "TOO_MANY_ROWS", _too_many(most_lines)))
    if faults:
        return [], faults
    return [CsvLine(number, dict(zip(header, cells, strict=False))) for number, cells in lines[1:]], []


def _cells(text: str) -> Iterator[tuple[int, list[str]]]:
    content = text.removeprefix("\ufeff")
    first = content.lstrip("\r\n").split("\n", 1)[0]
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    begins = 1
    for cells in reader:
        stripped = [unicodedata.normalize("NFC", cell).strip() for cell in cells]
        if any(stripped):
            yield begins, stripped
        begins = reader.line_num + 1


def _header_faults(header: Sequence[str], required: Sequence[str], optional: Sequence[str]) -> Iterator[FieldFault]:
    def fault(column: str, code: str) -> FieldFault:
        return FieldFault(path_in_file(1, column), code, _HEADER_TEXTS[code])

    yield from (fault(column, "MISSING_COLUMN") for column in required if column not in header)
    for place, title in enumerate(header, 1):
        if title not in (*required, *optional):
            yield fault(title or str(place), "UNKNOWN_COLUMN")
    yield from (fault(title, "DUPLICATE") for title in sorted({title for title in header if header.count(title) > 1}))


def _too_many(most: int) -> Mapping[str, str]:
    counted = f"{most:,}"
    return {"id": f"Paling banyak {counted.replace(',', '.')} baris.", "en": f"{counted} rows at most."}
