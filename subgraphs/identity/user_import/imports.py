"""The columns of a file of accounts."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from libs.crypto import normal_phone
from libs.files import FILE_TEXTS, Content, path_in_file, read_lines
from libs.kernel import FieldFault

REQUIRED: Final = ("name", "email")
OPTIONAL: Final = ("phone", "roles", "language")
MOST_ROWS: Final = 10_000
_LONGEST: Final = {"name": 200, "email": 254, "roles": 1000}
_LANGUAGES: Final = ("id", "en")
_PROTECTED: Final = ("email", "phone")
_LONGEST_SHOWN: Final = 40  # characters of a value in a fault
_EMAIL: Final = re.compile(r"[^\s@<>\"(),:;\[\]\\]{1,64}@[^\s@<>\"(),:;\[\]\\.]+(\.[^\s@<>\"(),:;\[\]\\.]+)+")
_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    **FILE_TEXTS,
    "REQUIRED": {"id": "Wajib diisi.", "en": "Must not be empty."},
    "TOO_LONG": {"id": "Terlalu panjang.", "en": "Too long."},
    "INVALID_EMAIL": {"id": "Alamat surel tidak benar.", "en": "Not an e-mail address."},
    "INVALID_PHONE": {"id": "Nomor telepon tidak benar.", "en": "Not a telephone number."},
    "UNKNOWN_LANGUAGE": {"id": "Bahasa harus id atau en.", "en": "The language must be id or en."},
    "NOT_FOUND": {"id": "Peran ini tidak ada di sekolah.", "en": "The school has no such role."},
    "FORBIDDEN": {"id": "Anda tidak boleh memberikan peran ini.", "en": "You may not give this role."},
    "TAKEN": {
        "id": "Ada alamat yang baru saja dipakai; jalankan impor sekali lagi.",
        "en": "An address was taken this very moment; run the import again.",
    },
}


@dataclass(frozen=True, slots=True)
class UserRow:
    """One account of the file. `line` counts from 1, the header being line 1; `phone` is E.164."""

    line: int
    name: str
    email: str
    phone: str | None
    roles: tuple[str, ...]
    language: str


def fault(line: int, column: str, code: str, value: str = "") -> FieldFault:
    """A fault of one value of the file, by line and column, with the value: masked where it is protected."""
    shown = f"{value[:1]}***" if column in _PROTECTED and value else value[:_LONGEST_SHOWN]
    texts = {language: f"{text} [{shown}]" if shown else text for language, text in _TEXTS[code].items()}
    return FieldFault(path_in_file(line, column), code, texts)


def parse_users(content: Content, default_role: str | None) -> tuple[list[UserRow], list[FieldFault]]:
    """The rows of the file and every fault that the file alone can tell.

    Roles are separated by commas, semicolons or bars; a row that names none gets `default_role`.
    """
    lines, faults = read_lines(content, required=REQUIRED, optional=OPTIONAL, most_lines=MOST_ROWS)
    if faults:
        return [], faults
    rows: list[UserRow] = []
    for line in lines:
        wrong = list(_faults(line.number, line.values, default_role))
        faults += wrong
        if not wrong:
            rows.append(_row(line.number, line.values, default_role))
    return rows, faults


def _faults(line: int, values: Mapping[str, str], default_role: str | None) -> Iterator[FieldFault]:
    for column in REQUIRED:
        if not values.get(column):
            yield fault(line, column, "REQUIRED")
    if default_role is None and not _roles(values):
        yield fault(line, "roles", "REQUIRED")
    for column, longest in _LONGEST.items():
        if len(value := values.get(column, "")) > longest:
            yield fault(line, column, "TOO_LONG", value)
    email, phone, language = (values.get(column, "") for column in ("email", "phone", "language"))
    if email and len(email) <= _LONGEST["email"] and _EMAIL.fullmatch(email) is None:
        yield fault(line, "email", "INVALID_EMAIL", email)
    if phone and not _is_phone(phone):
        yield fault(line, "phone", "INVALID_PHONE", phone)
    if language and language.casefold() not in _LANGUAGES:
        yield fault(line, "language", "UNKNOWN_LANGUAGE", language)


def _row(line: int, values: Mapping[str, str], default_role: str | None) -> UserRow:
    phone, roles = values.get("phone"), _roles(values)
    return UserRow(
        line=line,
        name=values["name"],
        email=values["email"],
        phone=normal_phone(phone) if phone else None,
        roles=roles or ((default_role,) if default_role else ()),
        language=(values.get("language") or "id").casefold(),
    )


def _roles(values: Mapping[str, str]) -> tuple[str, ...]:
    named = (name.strip() for name in re.split(r"[,;|]", values.get("roles", "")))
    return tuple(dict.fromkeys(name for name in named if name))


def _is_phone(value: str) -> bool:
    try:
        normal_phone(value)
    except ValueError:
        return False
    return True
