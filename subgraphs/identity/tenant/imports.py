"""School registers: files with the columns npsn, name, level, ownership, district_code."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from libs.files import FILE_PATH, Content, Unreadable, numbered_cells, path_in_file
from libs.kernel import FieldFault, InvalidInput
from subgraphs.identity.tenant import rules

COLUMNS = ("npsn", "name", "level", "ownership", "district_code")
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
        return path_in_file(self.line, column)


def read_register(content: Content) -> list[RegisterRow]:
    """The schools of a register; columns in any order, and others beside them, are all right.

    Raises InvalidInput with every fault of every line.
    """
    try:
        lines = list(islice(numbered_cells(content), _MOST_ROWS + 2))
    except Unreadable:
        raise InvalidInput([rules.fault(FILE_PATH, "FORMAT")]) from None
    names = [name.lower() for name in lines[0][1]] if lines else []
    if missing := [column for column in COLUMNS if names.count(column) != 1]:
        raise InvalidInput([rules.fault(path_in_file(1, column), "COLUMNS") for column in missing])
    if len(lines) - 1 > _MOST_ROWS:
        raise InvalidInput([rules.fault(FILE_PATH, "TOO_MANY_ROWS")])
    rows, faults = _read_rows(lines[1:], names)
    if faults:
        raise InvalidInput(faults)
    return rows


def _read_rows(lines: Iterable[tuple[int, list[str]]], names: list[str]) -> tuple[list[RegisterRow], list[FieldFault]]:
    rows: list[RegisterRow] = []
    faults: list[FieldFault] = []
    seen: set[str] = set()
    for line, cells in lines:
        if len(cells) != len(names):
            faults.append(rules.fault(f"{FILE_PATH}[{line}]", "COLUMN_COUNT"))
            continue
        values = dict(zip(names, cells, strict=True))
        values["npsn"] = values["npsn"].upper()
        found = [rules.fault(path_in_file(line, column), code) for column, code in rules.check_register_row(values)]
        if not found and values["npsn"] in seen:
            found = [rules.fault(path_in_file(line, "npsn"), "DUPLICATE")]
        faults += found
        seen.add(values["npsn"])
        if not found:
            rows.append(_row(line, values))
    return rows, faults


def _row(line: int, values: dict[str, str]) -> RegisterRow:
    region = values["district_code"]
    zone = rules.zone_of(region)
    assert zone is not None  # a row of an unknown region is a fault
    return RegisterRow(
        line, values["npsn"], values["name"], values["level"], values["ownership"], region, timezone=zone
    )
