"""Registering without an invitation: where it is allowed."""

from typing import ClassVar

from libs.kernel import DomainError


class RegistrationClosed(DomainError):
    """Nobody registers themselves at this school."""

    code = "REGISTRATION_CLOSED"
    texts: ClassVar = {
        "id": "Sekolah ini tidak menerima pendaftaran akun; mintalah undangan.",
        "en": "Nobody can register at this school; ask it for an invitation.",
    }
