"""Registering without an invitation: where it is allowed, and what ends what nobody completed."""

from enum import StrEnum
from typing import ClassVar

from libs.kernel import DomainError


class Removal(StrEnum):
    """Why a registration that nobody completed is taken back."""

    NEVER_COMPLETED = "NEVER_COMPLETED"
    ADDED_BY_SCHOOL = "ADDED_BY_SCHOOL"


class RegistrationClosed(DomainError):
    """Nobody registers themselves at this school."""

    code = "REGISTRATION_CLOSED"
    texts: ClassVar = {
        "id": "Sekolah ini tidak menerima pendaftaran akun; mintalah undangan.",
        "en": "Nobody can register at this school; ask it for an invitation.",
    }
