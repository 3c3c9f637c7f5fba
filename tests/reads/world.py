"""Two small schools whose every id is known before they are made, so that documents can be drawn without a database.

The rows hold what reads go wrong over: ties in order columns, nulls, names with emoji, right-to-left text, quotes and
backslashes, pupils who changed class, last year's classes, next year's, siblings, and a teacher's own child.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5

from subgraphs.academic.academic_year.model import AcademicYear, Semester
from subgraphs.academic.class_.model import Class
from subgraphs.academic.class_subject.model import ClassSubject, Teaching
from subgraphs.academic.enrollment.model import Enrollment
from subgraphs.academic.holiday.model import Holiday
from subgraphs.academic.model import Tenant as AcademicTenant
from subgraphs.academic.room.model import Room
from subgraphs.academic.schedule.model import Schedule
from subgraphs.academic.school.model import School
from subgraphs.academic.student.model import Guardian, Student, StudentGuardian, StudentName
from subgraphs.academic.student.rules import name_words
from subgraphs.academic.subject.model import Subject
from subgraphs.academic.teacher.model import Teacher
from subgraphs.admission.model import Tenant as AdmissionTenant
from subgraphs.finance.model import Tenant as FinanceTenant
from subgraphs.identity.api_client.model import ApiClient
from subgraphs.identity.tenant.model import CountedPerson, CountedStorage, Tenant
from subgraphs.notification.model import Tenant as NotificationTenant
from subgraphs.notification.notification.model import Notification, NotificationStudent
from subgraphs.operations.model import Tenant as OperationsTenant
from tests.reads import bills, entrants, marks

SCHOOLS = ("melati", "kenanga")
_NAMESPACE = UUID("5d0a6a43-8a52-5a43-9d52-6d4f0c3b9e10")
_ZONES = {"melati": "Asia/Jakarta", "kenanga": "Asia/Jayapura"}
_NAMES = {"melati": 'SMA "Melati" \\ 1 🌸', "kenanga": "مدرسة Kenanga 'B'"}
Rows = list[dict[str, Any]]
Tables = Sequence[tuple[Any, Rows]]

STUDENT_NAMES = (
    "Ayu Lestari",
    "Budi Santoso",
    "Budi Santoso",
    'Citra "Cici" Dewi',
    "Dewi O'Neil",
    "محمد الأمين",
    "Eka \\ Putra",
    "Fajar 🎒 Nugraha",
    "Gita</script> & Co",
    "Ayu Lestari",
    "\u202eHana\u202c Ünal",
    "Indra",
)
TEACHER_NAMES = ("Rina Wati", "Rina Wati", "Joko \\ Widodo", "Ibu 👩‍🏫 Sri", "Yusuf 'Al' Hakim")
CLASS_NAMES = ("X-1", "X-2", 'XI "IPA" 1', "X-1", "XI \\ IPS", "Pramuka 🏕")
SUBJECT_NAMES = ("Matematika", "Bahasa Indonesia", "Matematika", "Seni & Budaya 🎭")


def uid(school: str, what: str, number: int = 0) -> UUID:
    """The id of a row: always the same."""
    return uuid5(_NAMESPACE, f"{school}/{what}/{number}")


def tenant_of(school: str) -> UUID:
    """The tenant id of a school."""
    return uid(school, "tenant")


def school_name(school: str) -> str:
    """What a school is called."""
    return _NAMES[school]


def zone_of(tenant_id: UUID) -> str:
    """The time zone of a tenant's clock."""
    return next((zone for school, zone in _ZONES.items() if tenant_of(school) == tenant_id), "Asia/Jakarta")


def _days(today: date, days: int) -> date:
    return today + timedelta(days=days)


class SchoolRows:
    """The rows of one school, by table, as of a day."""

    def __init__(self, school: str, today: date) -> None:
        self.school = school
        self.today = today

    def _id(self, what: str, number: int = 0) -> UUID:
        return uid(self.school, what, number)

    def _rows(self, what: str, rows: Sequence[Mapping[str, Any]]) -> Rows:
        tenant = tenant_of(self.school)
        return [{"tenant_id": tenant, "id": self._id(what, at), **row} for at, row in enumerate(rows)]

    def _day(self, days: int) -> date:
        return _days(self.today, days)

    def _tenant(self) -> dict[str, Any]:
        return {
            "id": tenant_of(self.school),
            "slug": self.school,
            "name": _NAMES[self.school],
            "npsn": None if self.school == "melati" else "A0000001",
            "level": "SMA",
            "timezone": _ZONES[self.school],
            "status": "ACTIVE",
            "features": ["ATTENDANCE", "GRADING"] if self.school == "melati" else [],
            "quotas": {},
        }

    def identity(self) -> Tables:
        """The school in identity's register; accounts are made by its own operations."""
        made = datetime(2026, 1, 5, 3, 4, 5, 600_000 if self.school == "melati" else 0, tzinfo=UTC)
        proofs = (("CLIENT_SECRET", b"-", None), ("PRIVATE_KEY_JWT", None, {"keys": []}))
        clients = [
            {
                "name": f"Integrator {at}",
                "scopes": ["student:read", "user:read"][: at + 1],
                "method": method,
                "secret_hash": secret,
                "keys": keys,
                "created_at": made,
                "last_used_at": made if at else None,
                "revoked_at": None if at else made,
            }
            for at, (method, secret, keys) in enumerate(proofs)
        ]
        known = {"quotas": {"max_students": 30}, "registration_role": "parent"} if self.school == "melati" else {}
        people = [{"record_id": self._id("counted", at), "kind": "STUDENT", "counts": at > 0} for at in range(3)]
        kept = [{"domain": "academic", "kept_bytes": 2**31}, {"domain": "operations", "kept_bytes": 2**20}]
        return [
            (Tenant, [self._tenant() | known | {"created_at": made}]),
            (CountedPerson, self._rows("counted person", [each | {"sequence": 1} for each in people])),
            (CountedStorage, self._rows("counted storage", [each | {"sequence": 1} for each in kept])),
            (ApiClient, self._rows("api_client", clients)),
        ]

    def academic(self) -> Tables:
        """Everything academic holds, in the order of its foreign keys."""
        projected = self._tenant() | {"tenant_id": tenant_of(self.school), "sequence": 1}
        known = {column.key for column in School.__table__.columns}
        school = {name: value for name, value in projected.items() if name in known and name != "status"}
        return [
            (AcademicTenant, [projected]),
            (School, [school]),
            *self._calendar(),
            *self._people(),
            *self._lessons(),
            *self._sittings(),
        ]

    def _calendar(self) -> Tables:
        spans = ((-500, -180), (-100, 200), (260, 560))
        years = [
            {"name": name, "start_date": self._day(a), "end_date": self._day(b), "is_active": at == 1}
            for at, (name, (a, b)) in enumerate(zip(("2024/2025", "2025/2026", "2026/2027"), spans, strict=True))
        ]
        semesters = [
            {
                "academic_year_id": self._id("year", at),
                "name": ("Ganjil", "Genap")[half],
                "number": half + 1,
                "start_date": self._day(a + half * 150),
                "end_date": self._day(b if half else a + 149),
                "is_active": (at, half) == (1, 0),
            }
            for at, (a, b) in enumerate(spans)
            for half in (0, 1)
        ]
        holidays = [
            {"date": self._day(day), "name": name, "affects_attendance": day != 40}
            for name, day in (("Natal", 30), ("Cuti", 40), ("Cuti", 30))
        ]
        return [
            (AcademicYear, self._rows("year", years)),
            (Semester, self._rows("semester", semesters)),
            (Holiday, self._rows("holiday", holidays)),
        ]

    def _people(self) -> Tables:
        users = {0: "teacher", 1: "principal"}
        teachers = [
            {
                "full_name": name,
                "nip": f"{at:018}" if at in (0, 2) else None,
                "user_id": self._id("user-" + users[at]) if at in users else None,
                "status": "INACTIVE" if at == 4 else "ACTIVE",
            }
            for at, name in enumerate(TEACHER_NAMES)
        ]
        students = [
            {
                "nis": f"{at % 4}{at:02}",
                "nisn": None if at % 3 == 0 else f"{at:010}",
                "full_name": name,
                "gender": ("MALE", "FEMALE")[at % 2],
                "birth_date": None if at % 4 == 3 else date(2010, 1 + at % 2, 1),
                "status": {10: "WITHDRAWN", 11: "TRANSFERRED"}.get(at, "ACTIVE"),
                "user_id": self._id("user-pupil") if at == 0 else None,
            }
            for at, name in enumerate(STUDENT_NAMES)
        ]
        return [
            (Teacher, self._rows("teacher", teachers)),
            (Student, self._rows("student", students)),
            *self._families(),
        ]

    def _families(self) -> Tables:
        owners = [(at, word) for at, name in enumerate(STUDENT_NAMES) for word in name_words(name)]
        words = [{"student_id": self._id("student", at), "token": word} for at, word in owners]
        parents = {0: "parent", 1: "teacher"}
        guardians = [
            {"name": name, "user_id": self._id("user-" + parents[at]) if at in parents else None}
            for at, name in enumerate(("Siti \\'Aminah", "Rina Wati", "أبو بكر", "Siti \\'Aminah"))
        ]
        links = [(0, 1), (0, 2), (1, 5), (2, 1), (2, 0), (3, 1), (3, 6)]
        linked = [
            {
                "guardian_id": self._id("guardian", guardian),
                "student_id": self._id("student", student),
                "relation": ("FATHER", "MOTHER", "GUARDIAN")[at % 3],
            }
            for at, (guardian, student) in enumerate(links)
        ]
        return [
            (StudentName, self._rows("word", words)),
            (Guardian, self._rows("guardian", guardians)),
            (StudentGuardian, self._rows("link", linked)),
        ]

    def _lessons(self) -> Tables:
        years, levels = (1, 1, 1, 0, 2, 1), (10, 10, 11, 10, 11, 10)
        classes = [
            {
                "name": name,
                "academic_year_id": self._id("year", year),
                "level": level,
                "major": (None, "IPA", "")[at % 3],
                "kind": "EXTRACURRICULAR" if at == 5 else "REGULAR",
                "homeroom_teacher_id": self._id("teacher", at) if at in (0, 2, 3) else None,
                "max_students": 36 if at % 2 else 30,
                "enrolled_count": at,
            }
            for at, (name, year, level) in enumerate(zip(CLASS_NAMES, years, levels, strict=True))
        ]
        return [(Class, self._rows("class", classes)), *self._subjects(years)]

    def _subjects(self, years: Sequence[int]) -> Tables:
        subjects = [
            {
                "code": ("MTK", "BIN", "MTK-P", "SB'D")[at],
                "name": name,
                "category": ("WAJIB", "WAJIB", "PEMINATAN", "MULOK")[at],
                "credit_hours": (4, None, 4, 0)[at],
                "kkm": 75,
            }
            for at, name in enumerate(SUBJECT_NAMES)
        ]
        taught = ((0, 0, 2), (0, 1, 2), (1, 0, 2), (1, 3, 3), (2, 2, 2), (3, 0, 0), (4, 1, 4), (2, 0, 3))
        class_subjects = [
            {
                "class_id": self._id("class", class_),
                "subject_id": self._id("subject", subject),
                "semester_id": self._id("semester", semester),
                "academic_year_id": self._id("year", years[class_]),
            }
            for class_, subject, semester in taught
        ]
        return [
            (Subject, self._rows("subject", subjects)),
            (ClassSubject, self._rows("class-subject", class_subjects)),
            *self._teaching(taught, years),
        ]

    def _teaching(self, taught: Sequence[tuple[int, int, int]], years: Sequence[int]) -> Tables:
        spans = ((0, 1, -100, 200), (2, 2, -100, -20), (2, 0, -20, 200), (3, 3, -100, 200), (4, 0, -100, -10))
        teaching = [
            {
                "class_subject_id": self._id("class-subject", of),
                "teacher_id": self._id("teacher", teacher),
                "valid_from": self._day(since),
                "valid_to": self._day(until),
            }
            for of, teacher, since, until in (*spans, (5, 2, -500, -180))
        ]
        rooms = [{"name": name} for name in ("R. 101", 'Lab "A" 🧪')]
        slots = ((0, 1, "07:30", 0), (0, 1, "09:00:00.5", None), (2, 1, "07:30", 1), (3, 7, "13:15:30", None))
        schedules = [
            {
                "class_subject_id": self._id("class-subject", of),
                "class_id": self._id("class", taught[of][0]),
                "semester_id": self._id("semester", taught[of][2]),
                "academic_year_id": self._id("year", years[taught[of][0]]),
                "teacher_id": self._id("teacher", of) if of != 3 else None,
                "room_id": None if room is None else self._id("room", room),
                "day_of_week": day,
                "start_time": time.fromisoformat(start),
                "end_time": time(14, 45) if start > "13" else time(int(start[:2]), 55),
                "is_active": at != 4,
            }
            for at, (of, day, start, room) in enumerate((*slots, (1, 2, "07:30", 0), (4, 1, "07:30", None)))
        ]
        return [
            (Teaching, self._rows("teaching", teaching)),
            (Room, self._rows("room", rooms)),
            (Schedule, self._rows("schedule", schedules)),
        ]

    def _sittings(self) -> Tables:
        now = [(student, student % 3, -100, 201) for student in (0, 2, 3, 4, 5, 6, 7, 8)]
        moved = [(1, 1, -100, -30), (1, 0, -30, 201), (9, 2, -100, -1), (10, 0, -100, -60)]
        others = [(0, 3, -500, -179), (1, 3, -500, -179), (5, 3, -500, -300), (11, 4, 260, 561), (2, 4, 260, 561)]
        clubs = [(0, 5, -100, 201), (3, 5, -50, 201), (4, 5, -100, -50)]
        years = (1, 1, 1, 0, 2, 1)
        rows = [
            {
                "student_id": self._id("student", student),
                "class_id": self._id("class", class_),
                "academic_year_id": self._id("year", years[class_]),
                "kind": "EXTRACURRICULAR" if class_ == 5 else "REGULAR",
                "valid_from": self._day(since),
                "valid_to": self._day(until),
                "status": "ACTIVE" if until > 0 else ("WITHDRAWN", "TRANSFERRED")[student % 2],
            }
            for student, class_, since, until in (*now, *moved, *others, *clubs)
        ]
        return [(Enrollment, self._rows("enrollment", rows))]

    def notification(self) -> Tables:
        """Messages to several accounts, many of them written at one moment."""
        told = ("parent", "parent", "pupil", "teacher", "parent", "finance", "parent", "nobody")
        states = ("SENT", "PENDING", "FAILED", "SENT", "RETRY", "CANCELLED", "DELIVERED", "READ")
        rows = [
            {
                "contact_id": self._id("contact", at),
                "user_id": None if person == "nobody" else self._id("user-" + person),
                "event_id": self._id("event", at),
                "channel": ("EMAIL", "WHATSAPP", "PUSH", "SMS")[at % 4],
                "event_type": ("user.created", "user.activated")[at % 2],
                "language": "id",
                "subject": ("", 'Akun "baru"', "حساب")[at % 3],
                "body": f"Baris satu\n\tdua \\ 'tiga' 😀 \u2028 {at}",
                "status": state,
                "attempts": at % 4,
                "sent_at": _MOMENT + timedelta(microseconds=at) if state not in _UNSENT else None,
                "created_at": _MOMENT + timedelta(hours=at // 3),
                "metadata": {},
            }
            for at, (person, state) in enumerate(zip(told, states, strict=True))
        ]
        about = [(0, 1), (0, 2), (1, 1), (2, 0), (4, 1), (6, 2), (7, 5), (3, 5)]
        links = [
            {"notification_id": self._id("message", message), "student_id": self._id("student", student)}
            for message, student in about
        ]
        return [
            (NotificationTenant, [self._tenant() | {"tenant_id": tenant_of(self.school), "sequence": 1}]),
            (Notification, self._rows("message", rows)),
            (NotificationStudent, self._rows("about", links)),
        ]

    def finance(self) -> Tables:
        """What the school bills and is paid."""
        known = self._tenant() | {"tenant_id": tenant_of(self.school), "sequence": 1}
        return [(FinanceTenant, [known]), *bills.tables(self._id, self._rows, self.today)]

    def operations(self) -> Tables:
        """What the school marks and grades, and what it knows of academic."""
        known = self._tenant() | {"tenant_id": tenant_of(self.school), "sequence": 1}
        return [
            (OperationsTenant, [known]),
            *marks.tables(self._id, self._rows, self.today, dict(self.academic())),
        ]

    def admission(self) -> Tables:
        """Who applies at the school; they are called as its pupils are."""
        known = self._tenant() | {"tenant_id": tenant_of(self.school), "sequence": 1}
        applying = entrants.tables(self._id, self._rows, self.today, school=self.school, names=STUDENT_NAMES)
        return [(AdmissionTenant, [known]), *applying]


_MOMENT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
_UNSENT = ("PENDING", "RETRY", "CANCELLED")
