"""Rules of teachers."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from libs.kernel import FieldFault, InvalidInput

_NIP = re.compile(r"[0-9]{18}")


class TeacherStatus(StrEnum):
    """Whether a teacher works at the school."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


def check_nip(nip: str | None) -> None:
    """A NIP, where a teacher has one, is the 18 digits of the civil service. Raises InvalidInput."""
    if nip is not None and _NIP.fullmatch(nip) is None:
        raise InvalidInput(
            [FieldFault("input.nip", "FORMAT", {"id": "NIP terdiri dari 18 angka.", "en": "A NIP has 18 digits."})]
        )


def missing(changes: Mapping[str, Any]) -> Iterator[FieldFault]:
    """A null where a change of a teacher, by column, must leave something."""
    texts = {"id": "Wajib diisi.", "en": "Must be given."}
    for column, path in (("full_name", "input.fullName"), ("status", "input.status")):
        if column in changes and changes[column] is None:
            yield FieldFault(path, "REQUIRED", texts)


def already_taken(field: str) -> InvalidInput:
    """What a second teacher with the same value of an input field is told."""
    texts = {"id": "Sudah dipakai guru lain.", "en": "Another teacher has it already."}
    return InvalidInput([FieldFault(f"input.{field}", "TAKEN", texts)])
