"""The columns of an attendance file: nis, date (ISO), status and, if wanted, notes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from libs.files import FILE_TEXTS, Content, path_in_file, read_lines
from libs.kernel import FieldFault
from subgraphs.operations.attendance.rules import AttendanceStatus

REQUIRED: Final = ("nis", "date", "status")
OPTIONAL: Final = ("notes",)
MOST_ROWS: Final = 50_000
_LONGEST_NOTE: Final = 1_000
_TEXTS: Final = {
    **FILE_TEXTS,
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
    return FieldFault(path_in_file(line, column), code, _TEXTS[code])


def parse_attendance(content: Content) -> tuple[list[AttendanceRow], list[FieldFault]]:
    """The rows of the file and every fault that the file alone can tell."""
    lines, faults = read_lines(content, required=REQUIRED, optional=OPTIONAL, most_lines=MOST_ROWS)
    if faults:
        return [], faults
    rows: list[AttendanceRow] = []
    seen: set[tuple[str, date]] = set()
    for line in lines:
        row = _read_row(line.number, line.values, faults)
        if row is None:
            continue
        if (row.nis, row.day) in seen:
            faults.append(fault(line.number, "date", "DUPLICATE"))
        seen.add((row.nis, row.day))
        rows.append(row)
    return rows, faults


def _read_row(line: int, given: Mapping[str, str], faults: list[FieldFault]) -> AttendanceRow | None:
    """The row of a line, or None after its faults were added."""
    wrong = list(_wrong(given))
    faults += [fault(line, column, "FORMAT") for column in wrong]
    if wrong:
        return None
    notes = given.get("notes") or None
    status = AttendanceStatus(given["status"].upper())
    return AttendanceRow(line, given["nis"], date.fromisoformat(given["date"]), status, notes)


def _wrong(given: Mapping[str, str]) -> Iterator[str]:
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
