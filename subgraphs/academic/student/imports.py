"""The columns of a pupils' file."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar

from libs.crypto import normal_phone
from libs.files import FILE_TEXTS, Content, path_in_file, read_lines
from libs.kernel import FieldFault
from subgraphs.academic.student.rules import Gender, GuardianRelation

REQUIRED: Final = ("nis", "full_name", "gender")
OPTIONAL: Final = (
    "nisn",
    "birth_date",
    "class",
    "email",
    "guardian_name",
    "guardian_relation",
    "guardian_email",
    "guardian_phone",
)
MOST_ROWS: Final = 10_000
_LONGEST: Final = {"nis": 20, "full_name": 120, "class": 60, "guardian_name": 120}
_GENDERS: Final = {"male": Gender.MALE, "l": Gender.MALE, "m": Gender.MALE} | {
    "female": Gender.FEMALE,
    "p": Gender.FEMALE,
    "f": Gender.FEMALE,
}
_RELATIONS: Final = {
    "father": GuardianRelation.FATHER,
    "ayah": GuardianRelation.FATHER,
    "mother": GuardianRelation.MOTHER,
    "ibu": GuardianRelation.MOTHER,
    "guardian": GuardianRelation.GUARDIAN,
    "wali": GuardianRelation.GUARDIAN,
}
_EMAIL: Final = re.compile(r"[^\s@<>\"(),:;\[\]\\]{1,64}@[^\s@<>\"(),:;\[\]\\.]+(\.[^\s@<>\"(),:;\[\]\\.]+)+")
_DAY_FIRST: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_YEARS: Final = range(1900, 2201)
_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    **FILE_TEXTS,
    "REQUIRED": {"id": "Wajib diisi.", "en": "Must not be empty."},
    "TOO_LONG": {"id": "Terlalu panjang.", "en": "Too long."},
    "FORBIDDEN_CHARACTER": {"id": "Ada karakter yang tidak diizinkan.", "en": "Holds a character that is not allowed."},
    "NOT_FOUND": {"id": "Kelas ini tidak ada pada tahun ajarannya.", "en": "The year has no class of this name."},
    "CLASS_FULL": {"id": "Kelas ini penuh.", "en": "The class is full."},
    "ALREADY_ENROLLED": {"id": "Siswa terdaftar di kelas lain.", "en": "The pupil is enrolled in another class."},
    "TAKEN": {"id": "Sudah dipakai siswa lain.", "en": "Another pupil has it already."},
    "NOT_ACTIVE": {"id": "Siswa ini sudah tidak aktif.", "en": "The pupil has left the school."},
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GuardianRow:
    """The guardian in a pupil's row; `phone` is E.164."""

    name: str
    relation: GuardianRelation
    email: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class StudentRow:
    """One pupil of the file. `line` counts from 1, the header being line 1."""

    line: int
    nis: str
    nisn: str | None
    full_name: str
    gender: Gender
    birth_date: date | None
    class_name: str | None
    email: str | None
    guardian: GuardianRow | None


def fault(line: int, column: str, code: str) -> FieldFault:
    """A fault of one value of the file, by line and column."""
    return FieldFault(path_in_file(line, column), code, _TEXTS[code])


def parse_students(content: Content) -> tuple[list[StudentRow], list[FieldFault]]:
    """The rows of the file and every fault that the file alone can tell."""
    lines, faults = read_lines(content, required=REQUIRED, optional=OPTIONAL, most_lines=MOST_ROWS)
    if faults:
        return [], faults
    readers = [_Row(line.number, line.values) for line in lines]
    rows = [row for reader in readers if (row := reader.student()) is not None]
    faults = [each for reader in readers for each in reader.faults]
    for column, value_of in (("nis", lambda row: row.nis), ("nisn", lambda row: row.nisn)):
        faults += _repeated(rows, column, value_of)
    return rows, faults


def _repeated(
    rows: list[StudentRow], column: str, value_of: Callable[[StudentRow], str | None]
) -> Iterator[FieldFault]:
    seen: set[str] = set()
    for row in rows:
        value = value_of(row)
        if value is None:
            continue
        if value in seen:
            yield fault(row.line, column, "DUPLICATE")
        seen.add(value)


class _Row:
    """Reads the values of one line and keeps what is wrong with them."""

    def __init__(self, line: int, values: Mapping[str, str]) -> None:
        self._line = line
        self._values = values
        self.faults: list[FieldFault] = []

    def student(self) -> StudentRow | None:
        """The pupil, or None when a value is wrong."""
        nis = self._needed("nis", str)
        nisn = self._optional("nisn", _nisn)
        full_name = self._needed("full_name", str)
        gender = self._needed("gender", lambda value: _GENDERS[value.casefold()])
        birth_date = self._optional("birth_date", _date)
        class_name = self._optional("class", str)
        email = self._optional("email", _email)
        guardian = self._guardian()
        if self.faults or nis is None or full_name is None or gender is None:
            return None
        return StudentRow(self._line, nis, nisn, full_name, gender, birth_date, class_name, email, guardian)

    def _guardian(self) -> GuardianRow | None:
        columns = ("guardian_name", "guardian_relation", "guardian_email", "guardian_phone")
        if not any(self._values.get(column) for column in columns):
            return None
        name = self._needed("guardian_name", str)
        relation = self._needed("guardian_relation", lambda value: _RELATIONS[value.casefold()])
        email = self._optional("guardian_email", _email)
        phone = self._optional("guardian_phone", normal_phone)
        return None if name is None or relation is None else GuardianRow(name, relation, email, phone)

    def _needed(self, column: str, read: Callable[[str], T]) -> T | None:
        if not self._values.get(column):
            self.faults.append(fault(self._line, column, "REQUIRED"))
            return None
        return self._optional(column, read)

    def _optional(self, column: str, read: Callable[[str], T]) -> T | None:
        value = self._values.get(column)
        if not value:
            return None
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
            self.faults.append(fault(self._line, column, "FORBIDDEN_CHARACTER"))
            return None
        if len(value) > _LONGEST.get(column, 254):
            self.faults.append(fault(self._line, column, "TOO_LONG"))
            return None
        try:
            return read(value)
        except (ValueError, KeyError):
            self.faults.append(fault(self._line, column, "FORMAT"))
            return None


def _nisn(value: str) -> str:
    if re.fullmatch(r"[0-9]{10}", value) is None:
        raise ValueError("not 10 digits")
    return value


def _email(value: str) -> str:
    if _EMAIL.fullmatch(value) is None:
        raise ValueError("not an address")
    return value


def _date(value: str) -> date:
    """ISO, or day first as spreadsheets write it here. Raises ValueError."""
    if day_first := _DAY_FIRST.fullmatch(value):
        day, month, year = map(int, day_first.groups())
        read = date(year, month, day)
    else:
        read = date.fromisoformat(value)
    if read.year not in _YEARS:
        raise ValueError("outside the years people live in")
    return read
