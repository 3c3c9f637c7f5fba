"""Second factors: what their codes look like, and what is told of wrong ones."""

import hashlib
import re
from base64 import b32encode
from enum import StrEnum
from typing import ClassVar, Final

from libs.kernel import DomainError, FieldFault

RECOVERY_CODES: Final = 10
RECOVERY_BYTES: Final = 10  # 80 bits, 16 characters
_TOTP: Final = re.compile(r"[0-9]{6}")


def bare_code(code: str) -> str:
    """A code without what people write between its parts."""
    return re.sub(r"[\s-]", "", code).upper()


def is_totp(code: str) -> bool:
    """Whether a bare code is one of an authenticator: six digits, as no recovery code is."""
    return _TOTP.fullmatch(code) is not None


def recovery_code(secret: bytes) -> str:
    """A recovery code as people copy it: four groups of four letters and digits."""
    text = b32encode(secret).decode()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def recovery_hash(code: str) -> bytes:
    """What is kept of a recovery code, however it is written. It is 80 random bits: nobody tries them all."""
    return hashlib.sha256(bare_code(code).encode()).digest()


class FactorChange(StrEnum):
    """What becomes of somebody's second factor: what its owner is told of."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    RESET = "RESET"
    CODES_REGENERATED = "CODES_REGENERATED"
    CODE_USED = "CODE_USED"


class SecondFactorRequired(DomainError):
    """The password was right; the code of the second factor is missing."""

    code = "SECOND_FACTOR_REQUIRED"
    texts: ClassVar = {"id": "Masukkan kode faktor kedua.", "en": "Give the code of the second factor too."}


class InvalidCode(DomainError):
    """A code of a second factor that is wrong, or was used before."""

    code = "INVALID_CODE"
    texts: ClassVar = {
        "id": "Kode ini salah atau sudah dipakai.",
        "en": "This code is wrong, or was used before.",
    }


class SecondFactorActive(DomainError):
    """There is a second factor already: it has to be switched off before another one is set up."""

    code = "SECOND_FACTOR_ACTIVE"
    texts: ClassVar = {
        "id": "Faktor kedua sudah aktif; nonaktifkan dahulu.",
        "en": "A second factor is set up already; switch it off first.",
    }


class NoSecondFactor(DomainError):
    """There is no second factor in force that could be reset."""

    code = "NO_SECOND_FACTOR"
    texts: ClassVar = {
        "id": "Akun ini tidak memakai faktor kedua.",
        "en": "This account has no second factor.",
    }


class WrongPassword(DomainError):
    """The password that somebody signed in gave again is not theirs."""

    code = "WRONG_PASSWORD"
    texts: ClassVar = {"id": "Kata sandi saat ini salah.", "en": "The current password is wrong."}


_PROOFS: Final = {"id": "Isi kata sandi atau kode, salah satu saja.", "en": "Give the password or a code, one of them."}


def proof_faults(*, password: str | None, code: str | None) -> list[FieldFault]:
    """What is wrong with a proof: it is the password, or a code, and not both. An empty password is no guess."""
    if (password is None) == (code is None) or (password is not None and not password.strip()):
        return [FieldFault("input.password", "ONE_OF", _PROOFS)]
    return []
