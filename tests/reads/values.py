"""Values for the arguments of documents: mostly such as the schools hold, and some that look for trouble."""

from typing import Any, Final
from uuid import UUID

from tests.reads import entrants
from tests.reads.bills import NUMBERS
from tests.reads.marks import ASSESSMENTS, CARDS
from tests.reads.people import USERS
from tests.reads.world import (
    CLASS_NAMES,
    SCHOOLS,
    STUDENT_NAMES,
    SUBJECT_NAMES,
    TEACHER_NAMES,
    school_name,
    tenant_of,
    uid,
)

_NUMBERED = {
    "AcademicYear": ("year", 3),
    "Semester": ("semester", 6),
    "SchoolHoliday": ("holiday", 3),
    "Class": ("class", 6),
    "Student": ("student", 12),
    "Teacher": ("teacher", 5),
    "Subject": ("subject", 4),
    "ClassSubject": ("class-subject", 8),
    "Notification": ("message", 8),
    "BillingConfig": ("billing", 3),
    "Invoice": ("invoice", 9),
    "Payment": ("payment", 5),
    "Assessment": ("assessment", ASSESSMENTS),
    "ReportCard": ("card", CARDS),
    "ApiClient": ("api_client", 2),
    "AdmissionPeriod": ("period", len(entrants.PERIODS)),
    "Application": ("application", entrants.APPLICANTS),
}
_NOBODY: Final = UUID("00000000-0000-7000-8000-00000000dead")
_WILD = ("", "'", '"', "\\", "%", "_", "$1", '{"!":null}', "null", "🌸", "x" * 300, "\u202e", "a\nb")
TEXTS: Final[dict[str, tuple[str, ...]]] = {
    "name": (*CLASS_NAMES, *SUBJECT_NAMES, *entrants.PERIODS, "2025/2026", school_name("melati"), *_WILD),
    "fullName": (*TEACHER_NAMES, *_WILD),
    "nis": ("000", "101", "202", "303", *_WILD),
    "nisn": tuple(f"{at:010}" for at in range(9)),
    "nip": (f"{0:018}", f"{2:018}", *_WILD),
    "code": ("MTK", "BIN", "MTK-P", "SB'D", "A", "B", "E", *_WILD),
    "major": ("IPA", "", "IPS"),
    "slug": (*SCHOOLS, "Melati", "platform", *_WILD),
    "npsn": ("A0000001", "a0000001", *_WILD),
    "timezone": ("Asia/Jakarta", "Asia/Jayapura"),
    "language": ("id", "en", *_WILD),
    "eventType": ("user.created", "user.activated", *_WILD),
    "number": (*NUMBERS, *entrants.NUMBERS, *_WILD),
    "period": ("2026-07", "2026-08", *_WILD),
    "paymentStatus": ("FREE", "UNPAID", "PAID", *_WILD),
    "referenceNumber": ("🌸 'x'", *_WILD),
    "nameStartsWith": ("SMA", 'sma "M', "مدرسة", *_WILD),
    "email": (*(f"{name}@{school}.EXAMPLE" for name in ("teacher", "deleted") for school in SCHOOLS), "x", *_WILD),
    "role": ("teacher", "parent", "school_admin", *_WILD),
    "search": (
        "bu",
        "ayu l",
        "SANTOSO BU",
        "c",
        "محمد",
        "الأ",
        "'",
        "",
        "  ",
        "ÜNAL",
        "budi x",
        "o'n",
        "a" * 90,
        "%",
        "\\",
    ),
}
DATES: Final = ("2010-01-01", "2010-02-01", "2011-06-30", "1900-01-01", "2200-12-31", "2026-01-01", "2026-12-31")
MOMENTS: Final = (
    "2026-03-04T05:06:07Z",
    "2026-03-04T06:06:07+00:00",
    "2026-03-04T14:06:07+07:00",
    "1999-12-31T23:59:59.999999Z",
    "2199-01-01T00:00:00Z",
)
NAMES: Final = STUDENT_NAMES


def ids(kind: str) -> list[str]:
    """Ids of a type: of both schools, of the first one more often, and one that is nobody's."""
    if kind in ("School", "SchoolOverview", "Tenant"):
        found = [tenant_of(school) for school in SCHOOLS]
    elif kind in ("User", "DeletedUser"):
        found = [uid(school, f"user-{name}") for name in USERS for school in SCHOOLS]
    else:
        what, count = _NUMBERED[kind]
        found = [uid(school, what, at) for at in range(count) for school in SCHOOLS]
    own = found[:: len(SCHOOLS)]
    return [str(each) for each in (*own, *found, _NOBODY)]


def about(name: str, owner: str) -> str:
    """What a value is about: the type whose id it is, or the field's own name."""
    if name == "id":
        return owner.removesuffix("Filter")
    if name.endswith("Id"):
        named = name[0].upper() + name[1:-2]
        return {"HomeroomTeacher": "Teacher", "Period": "AdmissionPeriod"}.get(named, named)
    return name


def scalar_values(kind: str, subject: str) -> tuple[Any, ...]:
    """What to choose a scalar from; `subject` is what `about` says."""
    match kind:
        case "ID":
            return tuple(ids(subject))
        case "String" | "EmailAddress":
            return TEXTS[subject]
        case "Int":
            return (10, 11, 0, 1, 30, 36, 40, 12, 2_147_483_647)
        case "Boolean":
            return (False, True)
        case "Date":
            return DATES
        case "DateTime":
            return MOMENTS
    raise KeyError(kind)
