"""Rules of admission periods."""

import re
from datetime import date
from enum import StrEnum
from typing import ClassVar, Final

from libs.kernel import DomainError, FieldFault, InvalidInput

LARGEST_FEE: Final = 1_000_000_000
"""Rupiah."""
MOST_APPLICANTS: Final = 1_000_000

_CODE: Final = re.compile(r"[A-Z0-9]{1,10}")
_TEXTS: Final = {
    "INVALID_CODE": {
        "id": "Kode terdiri atas 1 sampai 10 huruf atau angka.",
        "en": "A code has 1 to 10 letters or digits.",
    },
    "ENDS_BEFORE_START": {
        "id": "Tanggal akhir mendahului tanggal mulai.",
        "en": "The last day comes before the first.",
    },
    "YEAR_IS_OVER": {
        "id": "Tanggal akhir melewati akhir tahun ajaran.",
        "en": "The last day comes after the end of the academic year.",
    },
    "PERIOD_IS_OVER": {"id": "Tanggal akhir periode ini sudah lewat.", "en": "The period's last day has passed."},
}


class AdmissionPeriodStatus(StrEnum):
    """Where a period stands."""

    DRAFT = "DRAFT"
    OPEN = "OPEN"
    CLOSED = "CLOSED"
    SELECTION = "SELECTION"
    ANNOUNCED = "ANNOUNCED"
    COMPLETED = "COMPLETED"


class PeriodCodeTaken(DomainError):
    """Another period of the year has the code. Data: `period_code`."""

    code = "PERIOD_CODE_TAKEN"
    texts: ClassVar = {
        "id": "Kode {period_code} sudah dipakai periode lain pada tahun ajaran ini.",
        "en": "Another period of this academic year has the code {period_code}.",
    }


class PeriodNotDraft(DomainError):
    """Only a draft can be opened. Data: `status`, the period's now."""

    code = "PERIOD_NOT_DRAFT"
    texts: ClassVar = {
        "id": "Hanya periode yang masih rancangan yang dapat dibuka; periode ini berstatus {status}.",
        "en": "Only a draft can be opened; this period is {status}.",
    }


def code_of(text: str) -> str:
    """A code as it is kept and printed: capitals."""
    return text.upper()


def check_period(*, code: str, start_date: date, end_date: date, year_end: date) -> None:
    """Whether a period can be planned; dates are inclusive. Raises InvalidInput with every fault."""
    faults = []
    if not _CODE.fullmatch(code):
        faults.append(_fault("input.code", "INVALID_CODE"))
    if end_date < start_date:
        faults.append(_fault("input.endDate", "ENDS_BEFORE_START"))
    elif end_date > year_end:
        faults.append(_fault("input.endDate", "YEAR_IS_OVER"))
    if faults:
        raise InvalidInput(faults)


def check_openable(status: AdmissionPeriodStatus, *, end_date: date, today: date) -> None:
    """Whether a period can be opened on that day. Raises PeriodNotDraft, InvalidInput."""
    if status is not AdmissionPeriodStatus.DRAFT:
        raise PeriodNotDraft(status=status)
    if end_date < today:
        raise InvalidInput([_fault("input.periodId", "PERIOD_IS_OVER")])


def number_prefix(*, npsn: str | None, slug: str, year: int, code: str) -> str:
    """What all application numbers of a period begin with, like 20306577-2027A; a school without NPSN has its slug."""
    return f"{(npsn or slug).upper()}-{year}{code}"


def _fault(path: str, code: str) -> FieldFault:
    return FieldFault(path, code, _TEXTS[code])
