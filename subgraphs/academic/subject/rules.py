"""Rules of subjects."""

from enum import StrEnum
from typing import ClassVar

from libs.kernel import DomainError


class SubjectCategory(StrEnum):
    """Where a subject stands in the curriculum."""

    WAJIB = "WAJIB"
    PEMINATAN = "PEMINATAN"
    MULOK = "MULOK"


class CodeTaken(DomainError):
    """The school already has a subject of that code. Data: `subject_code`."""

    code = "CODE_TAKEN"
    texts: ClassVar = {
        "id": "Kode mata pelajaran {subject_code} sudah dipakai.",
        "en": "There already is a subject with the code {subject_code}.",
    }
