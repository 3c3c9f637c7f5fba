"""Two schools whose rows carry their own names: every text column of a row says which row of which school it is.

A row that somebody sees without a right to it is found by the mark it leaves in an answer. Rows are dictionaries, so
that the model of who sees what (seen.py) is plain Python over the very rows that were inserted. Canaries are rows that
come later: another school, another class with its pupils, another family in a class that is taught.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import String, Text

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
from subgraphs.academic.subject.model import Subject
from subgraphs.academic.teacher.model import Teacher
from subgraphs.identity.api_client.model import ApiClient
from subgraphs.identity.role.model import Role, RolePermission
from subgraphs.identity.tenant.model import CountedPerson, CountedStorage, Tenant
from subgraphs.notification.model import Tenant as NotificationTenant
from subgraphs.notification.notification.model import Notification, NotificationStudent
from tests.reads import admissions, lessons, money
from tests.reads.signed_in import sessions_of

OWN, OTHER = "own", "other"
CLASS, FAMILY = "class", "family"
MARK = re.compile(r"~(\w+)/(\w+)/(\w+)/\w+")
_NAMESPACE = UUID("0c9d5b0e-2f64-5b0c-8f0d-5e2f6a3c7b11")
_MADE = datetime(2026, 1, 5, 3, 4, 5, tzinfo=UTC)
Row = dict[str, Any]

STAFF = ("school_admin", "principal", "teacher", "finance_staff", "admission_staff")
ACCOUNTS: dict[str, tuple[str, ...]] = {
    **{role: (role,) for role in (*STAFF, "student", "parent")},
    "both": ("teacher", "parent"),
    "bela_mother": ("parent",),
    "mixed": ("parent",),
    "roleless": (),
    "deleted": ("teacher",),
}
"""Account -> roles."""
HATS_SINCE = date(2020, 1, 1)
DELETED_AT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
CANARY_ACCOUNTS = {CLASS: "zoe_mother", FAMILY: "zaki_mother"}
MODELS = {
    "academic": (
        *(
            AcademicTenant,
            School,
            AcademicYear,
            Semester,
            Holiday,
            Teacher,
            Student,
            StudentName,
            Guardian,
            StudentGuardian,
        ),
        *(Class, Subject, ClassSubject, Teaching, Room, Schedule, Enrollment),
    ),
    "identity": (Tenant, CountedPerson, CountedStorage, Role, RolePermission, ApiClient),
    "notification": (NotificationTenant, Notification, NotificationStudent),
    "finance": money.MODELS,
    "operations": lessons.MODELS,
    "admission": admissions.MODELS,
}
"""In the order of their foreign keys. Accounts are made by identity's own operations: their addresses are encrypted."""


def uid(school: str, table: str, key: str) -> UUID:
    """The id of a row: always the same."""
    return uuid5(_NAMESPACE, f"{school}/{table}/{key}")


def mark(school: str, table: str, key: str, column: str) -> str:
    """What a text column of a row holds; `MARK` finds school, table and key in an answer."""
    return f"~{school}/{table}/{key}/{column}"


def tenant_of(school: str) -> UUID:
    """The tenant of a school."""
    return uid(school, "tenants", "it")


class Rows:
    """The rows of one school as of a day, by table; `canaries` are CLASS and FAMILY or less."""

    def __init__(self, school: str, today: date, canaries: Iterable[str] = ()) -> None:
        self.school, self.today, self.tenant_id, self.made = school, today, tenant_of(school), _MADE
        self.by_model: dict[Any, list[Row]] = defaultdict(list)
        self.users: list[Row] = []
        self._school()
        money.add_billing(self)
        self._calendar()
        self._staff()
        self._classes()
        self._pupils()
        self._messages()
        admissions.add_applicants(self)
        for canary in canaries:
            self._canary(canary)
        lessons.add_lessons(self)

    def id(self, table: str, key: str) -> UUID:
        """The id of a row of this school."""
        return uid(self.school, table, key)

    def day(self, days: int) -> date:
        """A day so many after the rows' own."""
        return self.today + timedelta(days=days)

    def add(self, model: Any, key: str, **given: Any) -> Row:
        """A row; its text columns say which one it is, unless they are given."""
        table = model.__table__
        row = {"tenant_id": self.tenant_id, "id": self.id(table.name, key)} | given
        for column in table.columns:
            if isinstance(column.type, String | Text) and column.key not in row and not column.computed:
                row[column.key] = mark(self.school, table.name, key, column.key)
        self.by_model[model].append(row)
        return row

    def number(self, key: str, digits: int) -> str:
        """A number that belongs to one row alone."""
        return str(self.id("numbers", key).int)[:digits]

    def _school(self) -> None:
        fixed = {"level": "SMA", "timezone": "Asia/Jakarta", "status": "ACTIVE", "features": ["GRADING"]} | {
            "quotas": {"max_students": 7}
        }
        shared = fixed | {
            "id": self.tenant_id,
            "tenant_id": self.tenant_id,
            "slug": f"{self.school}-school",
            "npsn": self.number("npsn", 8),
            "sequence": 1,
        }
        for model in (AcademicTenant, NotificationTenant, money.Tenant, lessons.Tenant, admissions.Tenant):
            self.add(model, "it", **shared)
        known = {"id", "tenant_id", "npsn", "level", "timezone", "sequence"}
        self.add(School, "it", **{name: value for name, value in shared.items() if name in known})
        entry = {name: value for name, value in shared.items() if name not in ("tenant_id", "sequence")}
        tenant = self.add(
            Tenant, "it", **entry, ownership="SWASTA", version=1, registration_role="parent", created_at=_MADE
        )
        del tenant["tenant_id"]
        for key, kind in (("one", "STUDENT"), ("two", "STUDENT"), ("three", "TEACHER")):
            counted = {"record_id": self.id("records", key), "kind": kind, "counts": key != "two", "sequence": 1}
            self.add(CountedPerson, key, **counted)
        for domain, kept in (("academic", 3 * 2**30), ("operations", 1)):
            self.add(CountedStorage, domain, domain=domain, kept_bytes=kept, sequence=1)
        role = self.add(Role, "librarian", is_system_role=False, parent_system_role="student")
        self.add(RolePermission, "librarian", role_id=role["id"], permission="subject:read")
        moments = {"created_at": _MADE, "former_valid_until": _MADE, "last_used_at": _MADE, "revoked_at": _MADE}
        proof = {"method": "CLIENT_SECRET", "secret_hash": b"-", "former_secret_hash": b"-"}
        self.add(ApiClient, "dinas", scopes=["student:read"], **proof, **moments)

    def _calendar(self) -> None:
        for key, since, until in (("past", -500, -180), ("now", -100, 200)):
            days = {"start_date": self.day(since), "end_date": self.day(until)}
            year = self.add(AcademicYear, key, **days, is_active=key == "now")
            for number in (1, 2):
                self.add(
                    Semester,
                    f"{key}{number}",
                    academic_year_id=year["id"],
                    number=number,
                    start_date=self.day(since + 150 * (number - 1)),
                    end_date=self.day(since + 149 if number == 1 else until),
                    is_active=key == "now" and number == 1,
                )
        for key, day in (("near", 10), ("far", 60)):
            self.add(Holiday, key, date=self.day(day), scope="SCHOOL", affects_attendance=key == "near")

    def _staff(self) -> None:
        for account, roles in ACCOUNTS.items():
            self._user(account, roles, deleted=account == "deleted")
        users = {"guru": "teacher", "hadi": "both", "wali": None}
        for key, user in users.items():
            user_id = self.id("users", user) if user else None
            numbers = {"nip": self.number(f"nip-{key}", 18), "nuptk": self.number(f"nuptk-{key}", 16)}
            self.add(Teacher, key, user_id=user_id, **numbers, gender="MALE", status="ACTIVE", version=1)

    def _user(self, key: str, roles: tuple[str, ...], *, deleted: bool = False) -> None:
        row = {
            "id": self.id("users", key),
            "tenant_id": self.tenant_id,
            "name": mark(self.school, "users", key, "name"),
            "email": f"{key}.{self.school}@mail.example",
            "phone": f"+62812{self.number(f'phone-{key}', 8)}",
            "status": "ACTIVE",
            "language": "id",
            "created_at": _MADE,
            "version": 1,
            "email_verified_at": None,
            "must_change_password": False,
            "last_sign_in_at": None,
            "staff": bool(set(roles) - {"student", "parent"}),
        }
        row |= sessions_of(self, row["id"], key)
        row |= {"roles": roles, "deleted": deleted, "deleted_at": DELETED_AT if deleted else None}
        self.users.append(row)

    def _classes(self) -> None:
        for key in ("mat", "bio"):
            self.add(Subject, key, category="WAJIB", credit_hours=4, kkm=75)
        self.add(Room, "lab")
        # A is taught by guru, B led; D was taught until yesterday; P is of last year; C is hadi's.
        self._class("a", "mat", "guru", homeroom="wali")
        self._class("b", "bio", "wali", homeroom="guru", level=11)
        self._class("c", "mat", "hadi", homeroom="wali")
        self._class("d", "bio", "guru", homeroom="wali", taught_until=0, level=12)
        self._class("p", "mat", "wali", homeroom="wali", year="past")

    def _class(
        self,
        key: str,
        subject: str,
        teacher: str,
        *,
        homeroom: str,
        year: str = "now",
        level: int = 10,
        taught_until: int = 201,
    ) -> None:
        since, until = (-500, -179) if year == "past" else (-100, taught_until)
        whose = {"academic_year_id": self.id("academic_years", year)}
        class_ = self.add(
            Class,
            key,
            **whose,
            level=level,
            kind="REGULAR",
            homeroom_teacher_id=self.id("teachers", homeroom),
            max_students=30 + level,
            enrolled_count=len(key),
        )
        money.add_class(self, key, level)
        whose |= {"class_id": class_["id"], "semester_id": self.id("semesters", f"{year}1")}
        taught = self.add(ClassSubject, key, **whose, subject_id=self.id("subjects", subject))
        by = self.id("teachers", teacher)
        days = {"valid_from": self.day(since), "valid_to": self.day(until)}
        self.add(Teaching, key, class_subject_id=taught["id"], teacher_id=by, **days)
        self.add(
            Schedule,
            key,
            **whose,
            class_subject_id=taught["id"],
            teacher_id=by,
            room_id=self.id("rooms", "lab") if key == "a" else None,
            day_of_week="abcdpz".index(key) + 1,
            start_time=time(7, 30),
            end_time=time(9),
            is_active=True,
        )

    def _pupils(self) -> None:
        self._pupil("ani", "a", user="student")
        self._sits("ani", "p", -500, -179)
        self._pupil("adi", "d", gender="MALE")
        self._pupil("bela", "b")
        self._pupil("citra", "c")
        self._pupil("cinta", "d")
        self._pupil("dodo", "d", gender="MALE")  # sat in A until yesterday: no longer the teacher's
        self._pupil("wulan", None, status="WITHDRAWN")
        self._sits("wulan", "a", -100, 0, status="WITHDRAWN")
        for guardian, user, children in (
            ("mother", "parent", ("ani", "adi")),
            ("father", None, ("ani",)),
            ("hadi_himself", "both", ("cinta",)),
            ("bela_mother", "bela_mother", ("bela",)),
        ):
            self._guardian(guardian, user, children)

    def _pupil(
        self, key: str, class_: str | None, *, user: str | None = None, gender="FEMALE", status="ACTIVE"
    ) -> None:
        student = self.add(
            Student,
            key,
            user_id=self.id("users", user) if user else None,
            nisn=self.number(f"nisn-{key}", 10),
            gender=gender,
            status=status,
            birth_date=date(2010, 1, 1) + timedelta(days=len(self.by_model[Student])),
            entry_year=2025,
        )
        money.add_payer(self, key, len(self.by_model[Student]))
        token = student["full_name"].casefold()
        self.add(StudentName, key, student_id=student["id"], token=token)
        if class_ is not None:
            if key == "dodo":
                self._sits(key, "a", -100, 0, status="TRANSFERRED")
            self._sits(key, class_, 0 if key == "dodo" else -100, 201)

    def _sits(self, student: str, class_: str, since: int, until: int, *, status: str = "ACTIVE") -> None:
        sitting = {
            "student_id": self.id("students", student),
            "class_id": self.id("classes", class_),
            "valid_from": self.day(since),
            "valid_to": self.day(until),
        }
        year = self.id("academic_years", "past" if class_ == "p" else "now")
        self.add(Enrollment, f"{student}_{class_}", **sitting, academic_year_id=year, kind="REGULAR", status=status)
        money.add_sitting(self, f"{student}_{class_}", **sitting)

    def _guardian(self, key: str, user: str | None, children: Iterable[str]) -> None:
        guardian = self.add(Guardian, key, user_id=self.id("users", user) if user else None)
        for child in children:
            whose = {"student_id": self.id("students", child), "guardian_id": guardian["id"]}
            self.add(StudentGuardian, f"{key}_{child}", **whose, relation="GUARDIAN")

    def _messages(self) -> None:
        self._message("to_mother", "parent", "ani", "adi")
        self._message("to_mother_again", "parent", "ani", channel="WHATSAPP")
        self._message("to_ani", "student", "ani")
        self._message("to_guru", "teacher", "ani")
        self._message("to_admin", "school_admin")
        self._message("to_bela_mother", "bela_mother", "bela")
        self._message("to_nobody", None, "adi")
        self._message("to_hadi", "both", "cinta")
        self._message("to_mother_in_vain", "parent", "ani", status="FAILED")

    def _message(self, key: str, user: str | None, *about: str, channel: str = "EMAIL", status: str = "SENT") -> None:
        message = self.add(
            Notification,
            key,
            contact_id=self.id("contacts", key),
            user_id=self.id("users", user) if user else None,
            event_id=self.id("events", key),
            channel=channel,
            language="id",
            status=status,
            attempts=1 if status == "SENT" else 3,
            sent_at=_MADE if status == "SENT" else None,
            created_at=_MADE + timedelta(minutes=len(self.by_model[Notification])),
            metadata={},
        )
        for student in about:
            whose = {"notification_id": message["id"], "student_id": self.id("students", student)}
            self.add(NotificationStudent, f"{key}_{student}", **whose)

    def _canary(self, canary: str) -> None:
        """Pupil, guardian, account and message of one more family: in a class of its own, or in one that is taught.

        Somebody applies besides: in a period of its own that is not open yet, or in the one that is.
        """
        pupil, class_ = {CLASS: ("zoe", "z"), FAMILY: ("zaki", "a")}[canary]
        if canary == CLASS:
            self._class(class_, "mat", "wali", homeroom="wali", level=9)
            admissions.add_planned_period(self, canary)
        account = CANARY_ACCOUNTS[canary]
        self._user(account, ("parent",))
        self._pupil(pupil, class_)
        self._guardian(account, account, (pupil,))
        self._message(f"to_{account}", account, pupil)
        admissions.add_applicant(self, pupil, canary if canary == CLASS else "open")
