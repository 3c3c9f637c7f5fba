"""Accounts: what a name must be, and how it is found."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import ClassVar, Final

from libs.kernel import DomainError, FieldFault

LANGUAGES: Final = ("id", "en")
_TEXTS: Final = {
    "NO_ROLE": {"id": "Pilih sedikitnya satu peran.", "en": "Choose at least one role."},
    "UNKNOWN_LANGUAGE": {"id": "Bahasa harus id atau en.", "en": "The language must be id or en."},
}


class UserStatus(StrEnum):
    """Where an account stands."""

    INVITED = "INVITED"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class EmailTaken(DomainError):
    """An account of this school has the address."""

    code = "EMAIL_TAKEN"
    texts: ClassVar = {"id": "Alamat e-mail ini sudah dipakai.", "en": "This e-mail address is taken."}


def new_account_faults(*, roles: Collection[str], language: str) -> Iterator[FieldFault]:
    """What is wrong with an account to make, with its path in the input."""
    if not roles:
        yield FieldFault("input.roles", "REQUIRED", _TEXTS["NO_ROLE"])
    yield from language_faults(language)


def language_faults(language: str | None) -> Iterator[FieldFault]:
    """What is wrong with a language, None being none."""
    if language is not None and language not in LANGUAGES:
        yield FieldFault("input.language", "UNKNOWN_LANGUAGE", _TEXTS["UNKNOWN_LANGUAGE"])


def words(text: str) -> tuple[str, ...]:
    """The words of a name as search knows them: case folded, composed, each once, in order."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return tuple(dict.fromkeys(re.findall(r"[^\W_]+", folded)))
