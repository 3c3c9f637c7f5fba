"""Rules of report cards: what stands on one, how it is recognised, and what its makers are to the rest."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Final, Protocol
from uuid import UUID

from libs.kernel import DomainError, FieldFault, InvalidInput

_TENANT_BYTES: Final = 16
CODE_BYTES: Final = 16
"""Random bytes of a code: nobody guesses one."""
LINK_SECONDS: Final = 600
"""How long the address of a PDF holds."""
_MONTHS: Final = (
    "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember".split()  # noqa: SIM905
)


class ReportCardStatus(StrEnum):
    """How far a report card is."""

    DRAFT = "DRAFT"
    GENERATED = "GENERATED"
    PUBLISHED = "PUBLISHED"
    REVOKED = "REVOKED"


class Validity(StrEnum):
    """What the page behind the QR code says of a report card."""

    VALID = "VALID"
    SUPERSEDED = "SUPERSEDED"
    REVOKED = "REVOKED"


class IncompleteGrades(DomainError):
    """Scores of the pupil are missing in this semester. Data: `missing`, how many."""

    code = "INCOMPLETE_GRADES"
    texts: ClassVar = {
        "id": "Nilai belum lengkap: masih kurang {missing}.",
        "en": "Grades are not complete: {missing} are missing.",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """Days of the semester by what became of them."""

    present: int
    late: int
    sick: int
    excused: int
    absent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What stands on a report card beside its subjects, frozen when it is generated."""

    school_name: str
    school_npsn: str | None
    school_address: str | None
    principal_name: str | None
    student_name: str
    student_nis: str
    student_nisn: str | None
    class_name: str
    year_name: str
    semester_name: str
    homeroom_name: str | None
    attendance: Attendance
    print_date: date


@dataclass(frozen=True, slots=True)
class Line:
    """A subject on a report card."""

    subject_name: str
    final_score: Decimal
    grade_letter: str
    predicate: str
    kkm: int


@dataclass(frozen=True, slots=True)
class Card:
    """A whole report card, as it is printed."""

    heading: Heading
    lines: Sequence[Line]
    revision: int
    code: str


class Printer(Protocol):
    """What makes a PDF of a page."""

    async def print(self, html: str) -> bytes:
        """The page on A4. Raises for what keeps it from being printed; then it may be tried again."""
        ...


class Files(Protocol):
    """Where files lie."""

    async def put(self, name: str, content: bytes) -> None:
        """Keeps a file; one of the same name is replaced."""
        ...

    async def get(self, name: str) -> bytes | None:
        """The content of a file, or None when there is none."""
        ...


def check_complete(missing: Sequence[int]) -> None:
    """Every subject has all its scores, and there is one at least. Raises IncompleteGrades."""
    if not missing or any(missing):
        raise IncompleteGrades(missing=sum(missing) or 1)


def not_in_class() -> InvalidInput:
    """What is told of a pupil who sat in no class in the semester."""
    texts = {"id": "Siswa ini tidak berada di kelas pada semester itu.", "en": "The pupil was in no class then."}
    return InvalidInput([FieldFault("input.studentId", "NOT_IN_CLASS", texts)])


def code_of(tenant_id: UUID, chance: bytes) -> str:
    """The code of a report card: it names the school; the rest, `chance`, are CODE_BYTES random bytes."""
    return base64.urlsafe_b64encode(tenant_id.bytes + chance).decode().rstrip("=")


def tenant_of(code: str) -> UUID | None:
    """The school that a code names; None for what is no code."""
    try:
        raw = base64.b64decode(code + "=" * (-len(code) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return UUID(bytes=raw[:_TENANT_BYTES]) if len(raw) == _TENANT_BYTES + CODE_BYTES else None


def file_of(tenant_id: UUID, card_id: UUID) -> str:
    """The name of a report card's PDF."""
    return f"report-cards/{tenant_id}/{card_id}.pdf"


def path_of(tenant_id: UUID, card_id: UUID) -> str:
    """The path under which a report card's PDF is read."""
    return f"/files/operations/report-cards/{tenant_id}/{card_id}.pdf"


def initials(name: str) -> str:
    """The first letters of a name, as in "A. L.": enough for who holds the card, and for nobody else."""
    return " ".join(f"{word[0].upper()}." for word in name.split())


def in_words(day: date) -> str:
    """A day as it is written in Indonesian, like 25 November 2026."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def validity_of(status: str, *, is_superseded: bool) -> Validity:
    """What is told of a card; one that was called back stays so, whatever came after it."""
    if status == ReportCardStatus.REVOKED:
        return Validity.REVOKED
    return Validity.SUPERSEDED if is_superseded else Validity.VALID
