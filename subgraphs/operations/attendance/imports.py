"""The columns of an attendance file: CSV with nis, date (ISO), status and, if wanted, notes."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from libs.kernel import FieldFault
from subgraphs.operations.attendance.rules import AttendanceStatus

REQUIRED: Final = ("nis", "date", "status")
OPTIONAL: Final = ("notes",)
MOST_ROWS: Final = 50_000
_LONGEST_NOTE: Final = 1_000
_TEXTS: Final = {
    "FORMAT": {"id": "Isinya tidak dapat dibaca.", "en": "This cannot be read."},
    "MISSING_COLUMN": {"id": "Kolom ini harus ada.", "en": "This column is needed."},
    "UNKNOWN_COLUMN": {"id": "Kolom ini tidak dikenal.", "en": "This column is not known."},
    "TOO_MANY_ROWS": {"id": "Paling banyak 50.000 baris.", "en": "50,000 rows at most."},
    "DUPLICATE": {"id": "Muncul lebih dari sekali dalam berkas.", "en": "Appears more than once in the file."},
    "NOT_FOUND": {"id": "Siswa ini tidak ada.", "en": "There is no such pupil."},
    "NOT_ENROLLED": {"id": "Siswa ini tidak duduk di kelas mana pun hari itu.", "en": "In no class on that day."},
    "FUTURE": {"id": "Tanggal ini belum tiba.", "en": "That day has not come yet."},
    "OUTSIDE_SEMESTER": {"id": "Di luar semester.", "en": "In no semester."},
    "HOLIDAY": {"id": "Hari libur.", "en": "A holiday."},
}


@dataclass(frozen=True, slots=True)
class AttendanceRow:
    """One line of the file; `line` counts from 1, the header being line 1."""

    line: int
    nis: str
    day: date
    status: AttendanceStatus
    notes: str | None


def fault(line: int, column: str, code: str) -> FieldFault:
    """A fault of one value of the file, by line and column."""
    return FieldFault(f"input.file.text[{line}].{column}", code, _TEXTS[code])


def parse_attendance(text: str) -> tuple[list[AttendanceRow], list[FieldFault]]:
    """The rows of the file and every fault that the file alone can tell."""
    try:
        lines = list(_lines(text))
    except csv.Error:
        return [], [FieldFault("input.file.text", "FORMAT", _TEXTS["FORMAT"])]
    header = [title.casefold() for title in lines[0][1]] if lines else []
    faults = [fault(1, column, "MISSING_COLUMN") for column in REQUIRED if column not in header]
    faults += [
        fault(1, name or str(place), "UNKNOWN_COLUMN")
        for place, name in enumerate(header, 1)
        if name not in (*REQUIRED, *OPTIONAL)
    ]
    faults += [fault(1, name, "DUPLICATE") for name in sorted({name for name in header if header.count(name) > 1})]
    if len(lines) - 1 > MOST_ROWS:
        faults.append(FieldFault("input.file.text", "TOO_MANY_ROWS", _TEXTS["TOO_MANY_ROWS"]))
    if faults:
        return [], faults
    rows: list[AttendanceRow] = []
    seen: set[tuple[str, date]] = set()
    for line, values in lines[1:]:
        row = _read_row(line, dict(zip(header, values, strict=False)), faults)
        if row is None:
            continue
        if (row.nis, row.day) in seen:
            faults.append(fault(line, "date", "DUPLICATE"))
        seen.add((row.nis, row.day))
        rows.append(row)
    return rows, faults


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Lines that hold something, with the number each begins at; with commas, or semicolons as spreadsheets write."""
    content = text.removeprefix("\ufeff")
    first = content.lstrip("\r\n").split("\n", 1)[0]
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    begins = 1
    for values in reader:
        stripped = [value.strip() for value in values]
        if any(stripped):
            yield begins, stripped
        begins = reader.line_num + 1


def _read_row(line: int, given: dict[str, str], faults: list[FieldFault]) -> AttendanceRow | None:
    """The row of a line, or None after its faults were added."""
    wrong = list(_wrong(given))
    faults += [fault(line, column, "FORMAT") for column in wrong]
    if wrong:
        return None
    notes = given.get("notes") or None
    status = AttendanceStatus(given["status"].upper())
    return AttendanceRow(line, given["nis"], date.fromisoformat(given["date"]), status, notes)


def _wrong(given: dict[str, str]) -> Iterator[str]:
    if not given.get("nis") or not given["nis"].isprintable():
        yield "nis"
    try:
        date.fromisoformat(given.get("date", ""))
    except ValueError:
        yield "date"
    if given.get("status", "").upper() not in AttendanceStatus.__members__:
        yield "status"
    notes = given.get("notes", "")
    if len(notes) > _LONGEST_NOTE or not notes.isprintable():
        yield "notes"
