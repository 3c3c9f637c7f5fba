"""Errors of the domain: what a person did that cannot be done, said so that they can act.

A rule raises, the transaction rolls back, and the graph maps the error to a member of the result union.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar


class DomainError(Exception):
    """A broken rule. Subclasses set `code` (for programs, never changes) and `texts` (for people, by language).

    The keyword arguments are the data a client needs to act; they fill the placeholders of the texts.
    """

    code: ClassVar[str]
    texts: ClassVar[Mapping[str, str]]

    def __init__(self, **data: Any) -> None:
        super().__init__(self.code)
        self.data = data

    def message(self, language: str = "id") -> str:
        """The text for people: Indonesian unless another known language is asked for."""
        return self.texts.get(language, self.texts["id"]).format(**self.data)


class NotFound(DomainError):
    """The target is absent, or belongs to another tenant: the two look alike on purpose."""

    code = "NOT_FOUND"
    texts: ClassVar = {"id": "Data tidak ditemukan.", "en": "There is no such thing here."}


class Forbidden(DomainError):
    """The actor is known but may not do this."""

    code = "FORBIDDEN"
    texts: ClassVar = {"id": "Anda tidak berhak melakukan ini.", "en": "You may not do this."}


class Conflict(DomainError):
    """Somebody else changed the row since the client read it. Data: `current_version`."""

    code = "CONFLICT"
    texts: ClassVar = {
        "id": "Data telah diubah orang lain (versi {current_version}).",
        "en": "Somebody else changed this meanwhile (version {current_version}).",
    }


class Quota(StrEnum):
    """What a school may have so much of and no more."""

    STUDENTS = "STUDENTS"
    TEACHERS = "TEACHERS"
    STORAGE = "STORAGE"


class QuotaExceeded(DomainError):
    """The school would have more than it may. Data: `quota`, `used` before this and `allowed`.

    Pupils, teachers, or mebibytes of storage.
    """

    code = "QUOTA_EXCEEDED"
    texts: ClassVar = {
        "id": "Kuota {quota} sekolah tidak cukup: sudah terpakai {used} dari {allowed}.",
        "en": "The school's quota of {quota} is not enough: {used} of {allowed} are used.",
    }
    _names: ClassVar = {
        "id": {Quota.STUDENTS: "siswa", Quota.TEACHERS: "guru", Quota.STORAGE: "berkas (MiB)"},
        "en": {Quota.STUDENTS: "pupils", Quota.TEACHERS: "teachers", Quota.STORAGE: "files (MiB)"},
    }

    def message(self, language: str = "id") -> str:
        """The text for people, which calls the quota by its name."""
        known = language if language in self.texts else "id"
        return self.texts[known].format(**{**self.data, "quota": self._names[known][self.data["quota"]]})


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One value that breaks a rule of its field.

    `path` reads like `input.guardians[1].nik`; `code` is for programs; `texts` holds the message by language.
    """

    path: str
    code: str
    texts: Mapping[str, str] = field(default_factory=dict)

    def message(self, language: str = "id") -> str:
        """The text for people; the code where nobody wrote one."""
        return self.texts.get(language) or self.texts.get("id") or self.code


class InvalidInput(DomainError):
    """Values that break the rules of their fields: all faults at once."""

    code = "INVALID_INPUT"
    texts: ClassVar = {"id": "Ada isian yang tidak benar.", "en": "Some values are not right."}

    def __init__(self, faults: Sequence[FieldFault]) -> None:
        super().__init__()
        self.faults = tuple(faults)
