"""Accounts: what a name must be, and how it is found."""

import re
import unicodedata
from enum import StrEnum
from typing import ClassVar, Final

from libs.kernel import DomainError

LANGUAGES: Final = ("id", "en")


class UserStatus(StrEnum):
    """Where an account stands."""

    INVITED = "INVITED"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class EmailTaken(DomainError):
    """An account of this school has the address."""

    code = "EMAIL_TAKEN"
    texts: ClassVar = {"id": "Alamat e-mail ini sudah dipakai.", "en": "This e-mail address is taken."}


def words(text: str) -> tuple[str, ...]:
    """The words of a name as search knows them: case folded, composed, each once, in order."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return tuple(dict.fromkeys(re.findall(r"[^\W_]+", folded)))
