"""Rules of applications: what is asked of who applies, the secret they get, and what comes next."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar, Final
from uuid import UUID

from libs.kernel import DomainError, FieldFault, InvalidInput

YOUNGEST: Final = 3
OLDEST: Final = 40
"""Years: outside of them a date of birth is a slip of the finger. Some finish their schooling as grown-ups."""

_SECRET_BYTES: Final = 10
_GROUP: Final = 4
_DIGITS: Final = 4  # of a running number, so that numbers sort as text; the ten-thousandth has one more
_NIK: Final = re.compile(r"[0-9]{16}")
_NISN: Final = re.compile(r"[0-9]{10}")
_TEXTS: Final = {
    "INVALID_NIK": {"id": "NIK terdiri atas 16 angka.", "en": "A NIK has 16 digits."},
    "INVALID_NISN": {"id": "NISN terdiri atas 10 angka.", "en": "An NISN has 10 digits."},
    "IMPLAUSIBLE_DATE": {"id": "Tanggal lahir tidak masuk akal.", "en": "The date of birth is not plausible."},
}


class Gender(StrEnum):
    """Sex as registered."""

    MALE = "MALE"
    FEMALE = "FEMALE"


class ApplicationStatus(StrEnum):
    """Where an application stands."""

    SUBMITTED = "SUBMITTED"
    VERIFIED = "VERIFIED"
    ACCEPTED = "ACCEPTED"
    WAITLISTED = "WAITLISTED"
    REJECTED = "REJECTED"
    REGISTERED = "REGISTERED"
    WITHDRAWN = "WITHDRAWN"


class PaymentStatus(StrEnum):
    """Whether the fee of an application is paid."""

    FREE = "FREE"
    UNPAID = "UNPAID"
    PAID = "PAID"


class PeriodNotOpen(DomainError):
    """Nobody can apply in this period today. Data: `start_date`, `end_date`."""

    code = "PERIOD_NOT_OPEN"
    texts: ClassVar = {
        "id": "Pendaftaran tidak sedang dibuka; periode ini berlangsung {start_date} sampai {end_date}.",
        "en": "Applications are not taken today; this period runs from {start_date} to {end_date}.",
    }


class PeriodFull(DomainError):
    """The period has as many applications as it takes. Data: `max_applicants`."""

    code = "PERIOD_FULL"
    texts: ClassVar = {
        "id": "Kuota {max_applicants} pendaftar periode ini sudah penuh.",
        "en": "All {max_applicants} places for applicants of this period are taken.",
    }


class AlreadyApplied(DomainError):
    """The applicant has applied in this period before."""

    code = "ALREADY_APPLIED"
    texts: ClassVar = {
        "id": "Calon murid ini sudah terdaftar pada periode ini.",
        "en": "This applicant has already applied in this period.",
    }


class KeyReused(Exception):
    """The key of the request came with another applicant before: a mistake of the client, not of who applies."""


class ApplicationNotSubmitted(DomainError):
    """Only an application that waits for it can be verified. Data: `status`, the application's now."""

    code = "APPLICATION_NOT_SUBMITTED"
    texts: ClassVar = {
        "id": "Pendaftaran ini tidak menunggu verifikasi; statusnya {status}.",
        "en": "This application does not wait to be verified; it is {status}.",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationForm:
    """What who applies tells; the phone in E.164."""

    period_id: UUID
    full_name: str
    gender: Gender
    birth_place: str
    birth_date: date
    nisn: str | None
    nik: str | None
    previous_school: str | None
    parent_name: str
    parent_email: str | None
    parent_phone: str


def form_faults(*, nik: str | None, nisn: str | None, birth_date: date | None, today: date) -> list[FieldFault]:
    """The values that cannot be; what is not given is not judged."""
    faults = []
    if birth_date is not None and not YOUNGEST <= age(birth_date, today) < OLDEST:
        faults.append(_fault("input.birthDate", "IMPLAUSIBLE_DATE"))
    if nisn is not None and not _NISN.fullmatch(nisn):
        faults.append(_fault("input.nisn", "INVALID_NISN"))
    if nik is not None and not _NIK.fullmatch(nik):
        faults.append(_fault("input.nik", "INVALID_NIK"))
    return faults


def check_form(form: ApplicationForm, *, today: date) -> None:
    """Raises InvalidInput with every fault."""
    if faults := form_faults(nik=form.nik, nisn=form.nisn, birth_date=form.birth_date, today=today):
        raise InvalidInput(faults)


def age(birth_date: date, today: date) -> int:
    """Full years; negative before birth."""
    return today.year - birth_date.year - ((today.month, today.day) < (birth_date.month, birth_date.day))


def check_open(*, is_open: bool, start_date: date, end_date: date, today: date) -> None:
    """Whether people apply in a period on that day. Raises PeriodNotOpen."""
    if not (is_open and start_date <= today <= end_date):
        raise PeriodNotOpen(start_date=start_date, end_date=end_date)


def same_applicant(form: ApplicationForm) -> str:
    """Text that is equal when the same applicant is told again in the same period, however the name is written."""
    name = " ".join(form.full_name.casefold().split())
    return "|".join((str(form.period_id), form.birth_date.isoformat(), form.parent_phone, name))


def application_number(prefix: str, running: int) -> str:
    """The number of the `running`-th application of a period, like 20306577-2027A-0001."""
    return f"{prefix}-{running:0{_DIGITS}d}"


def payment_status_of(registration_fee: int | None) -> PaymentStatus:
    """Of a new application."""
    return PaymentStatus.UNPAID if registration_fee else PaymentStatus.FREE


def secret_of(random: bytes) -> str:
    """80 random bits as people copy them from paper: capitals and digits that do not look alike, in groups."""
    letters = base64.b32encode(random[:_SECRET_BYTES]).decode()
    return "-".join(letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))


def hash_of_secret(secret: str) -> bytes:
    """What is kept of a secret; groups and small letters make no difference. Its 80 bits need no salt."""
    letters = "".join(secret.upper().replace("-", "").split())
    return hashlib.sha256(letters.encode()).digest()


def opens(
    *,
    secret: str | None,
    birth_date: date | None,
    secret_hash: bytes | None,
    born: date | None,
) -> bool:
    """Whether who asks may see an application: what is given must hold, and something must be given.

    `secret_hash` and `born` are the application's, None when there is none: that takes as long as a wrong answer.
    """
    is_secret = hmac.compare_digest(hash_of_secret(secret or ""), secret_hash or bytes(32))
    is_birth = hmac.compare_digest(str(birth_date or "").encode(), str(born or "0000-00-00").encode())
    given = [holds for value, holds in ((secret, is_secret), (birth_date, is_birth)) if value is not None]
    return bool(given) and all(given)


def check_verifiable(status: ApplicationStatus) -> None:
    """Raises ApplicationNotSubmitted."""
    if status is not ApplicationStatus.SUBMITTED:
        raise ApplicationNotSubmitted(status=status)


def name_words(full_name: str) -> list[str]:
    """The words a name is found by: case folded, each once, in the order of the name."""
    return list(dict.fromkeys(full_name.casefold().split()))


_PAY_FIRST: Final = {
    "id": "Bayar biaya pendaftaran, lalu tunggu verifikasi dari sekolah.",
    "en": "Pay the registration fee, then wait until the school has verified the application.",
}
_NEXT_STEPS: Final = {
    ApplicationStatus.SUBMITTED: {
        "id": "Tunggu verifikasi dari sekolah.",
        "en": "Wait until the school has verified the application.",
    },
    ApplicationStatus.VERIFIED: {
        "id": "Tunggu pengumuman hasil seleksi.",
        "en": "Wait until the results are announced.",
    },
    ApplicationStatus.ACCEPTED: {
        "id": "Lakukan daftar ulang sebelum batas waktunya.",
        "en": "Confirm the place before its deadline.",
    },
    ApplicationStatus.WAITLISTED: {
        "id": "Tunggu kabar dari sekolah; Anda berada di daftar cadangan.",
        "en": "Wait for news from the school; the application is on the waiting list.",
    },
    ApplicationStatus.REJECTED: {
        "id": "Pendaftaran tidak diterima. Tidak ada langkah berikutnya.",
        "en": "The application was not accepted. There is no next step.",
    },
    ApplicationStatus.REGISTERED: {
        "id": "Pendaftaran selesai. Sampai jumpa di sekolah.",
        "en": "Everything is done. See you at school.",
    },
    ApplicationStatus.WITHDRAWN: {
        "id": "Pendaftaran telah ditarik. Tidak ada langkah berikutnya.",
        "en": "The application was withdrawn. There is no next step.",
    },
}


def next_step(status: ApplicationStatus, payment: PaymentStatus, language: str) -> str:
    """What the family is to do now, in its language: Indonesian unless another known one is asked for."""
    pays_first = status is ApplicationStatus.SUBMITTED and payment is PaymentStatus.UNPAID
    texts = _PAY_FIRST if pays_first else _NEXT_STEPS[status]
    return texts.get(language, texts["id"])


def _fault(path: str, code: str) -> FieldFault:
    return FieldFault(path, code, _TEXTS[code])
