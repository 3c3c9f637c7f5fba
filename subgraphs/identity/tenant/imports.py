"""School registers: CSV with columns npsn, name, level, ownership, district_code, as spreadsheets really write it."""

import csv
import io
from dataclasses import dataclass
from typing import Any

from libs.kernel import FieldFault, InvalidInput
from subgraphs.identity.tenant import rules

COLUMNS = ("npsn", "name", "level", "ownership", "district_code")
_PATH = "input.file.text"
_MOST_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One school of a register; `line` is where it stands in the file, the header being line 1."""

    line: int
    npsn: str
    name: str
    level: str
    ownership: str
    region: str
    timezone: str

    @property
    def slug(self) -> str:
        """How the school is named in addresses until it chooses otherwise."""
        return self.npsn.lower()

    def path(self, column: str) -> str:
        """Where a value stands in the input."""
        return f"{_PATH}[{self.line}].{column}"


def read_register(text: str) -> list[RegisterRow]:
    """The schools of a register. A BOM, semicolons, tabs, CRLF, blank lines and columns in any order are all right.

    Raises InvalidInput with every fault of every line.
    """
    content = text.removeprefix("\ufeff")
    header = content.partition("\n")[0]
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=max(",;\t", key=header.count))
    try:
        names = [name.strip().lower() for name in next(reader, [])]
    except csv.Error:
        names = []
    if missing := [column for column in COLUMNS if names.count(column) != 1]:
        raise InvalidInput([rules.fault(f"{_PATH}[1].{column}", "COLUMNS") for column in missing])
    rows, faults = _read_rows(reader, names)
    if faults:
        raise InvalidInput(faults)
    return rows


def _read_rows(reader: Any, names: list[str]) -> tuple[list[RegisterRow], list[FieldFault]]:
    rows: list[RegisterRow] = []
    faults: list[FieldFault] = []
    seen: set[str] = set()
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return rows, faults
        except csv.Error:
            faults.append(rules.fault(f"{_PATH}[{line}]", "COLUMN_COUNT"))
            continue
        if not any(cells):
            continue
        if len(rows) == _MOST_ROWS:
            return rows, [*faults, rules.fault(_PATH, "TOO_MANY_ROWS")]
        if len(cells) != len(names):
            faults.append(rules.fault(f"{_PATH}[{line}]", "COLUMN_COUNT"))
            continue
        values = dict(zip(names, cells, strict=True))
        values["npsn"] = values["npsn"].upper()
        found = [rules.fault(f"{_PATH}[{line}].{column}", code) for column, code in rules.check_register_row(values)]
        if not found and values["npsn"] in seen:
            found = [rules.fault(f"{_PATH}[{line}].npsn", "DUPLICATE")]
        faults += found
        seen.add(values["npsn"])
        if not found:
            rows.append(_row(line, values))


def _row(line: int, values: dict[str, str]) -> RegisterRow:
    region = values["district_code"]
    zone = rules.zone_of(region)
    assert zone is not None  # a row of an unknown region is a fault
    return RegisterRow(
        line, values["npsn"], values["name"], values["level"], values["ownership"], region, timezone=zone
    )
