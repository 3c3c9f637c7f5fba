"""Who sees what, said once more and without the engine: plain Python over the rows that a test inserted.

Nothing here comes from libs/graph or from the queries of the subgraphs; only permissions are what the actor holds.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from math import ceil
from typing import Any
from uuid import UUID

from libs.auth import Actor
from tests.reads import seen_lessons, seen_roles
from tests.reads.families import Row, Rows
from tests.reads.money import OPEN

RESOURCES = {
    "academic": {
        "School": "school",
        "SchoolOverview": "school_overview",
        "AcademicYear": "academic_year",
        "Semester": "academic_year",
        "SchoolHoliday": "academic_year",
        "Class": "class",
        "ClassSubject": "class",
        "Teacher": "teacher",
        "Subject": "subject",
        "Schedule": "schedule",
        "Student": "student",
        "Guardian": "student",
        "Enrollment": "enrollment",
        "User": "student",
    },
    "identity": {
        "Tenant": "tenant",
        "TenantQuotas": "tenant_usage",
        "TenantUsage": "tenant_usage",
        "User": "user",
        "DeletedUser": "user",
        "ApiClient": "api_client",
    },
    "notification": {
        "Notification": "notification",
        "User": "notification",
        "Student": "notification",
        "SchoolOverview": "school_overview",
    },
    "finance": {
        "BillingConfig": "billing_config",
        "Invoice": "invoice",
        "Payment": "payment",
        "Student": "invoice",
        "SchoolOverview": "school_overview",
    },
    "operations": {
        "Attendance": "attendance",
        "AttendanceSummary": "attendance",
        "Assessment": "assessment",
        "SubjectGrade": "grade",
        "ReportCard": "report_card",
        "Student": "student",
        "ClassSubject": "class",
        "Subject": "subject",
        "SchoolOverview": "school_overview",
    },
    "admission": {
        "AdmissionPeriod": "admission_period",
        "Application": "application",
        "SchoolOverview": "school_overview",
    },
}
"""What permission a type is read by; nothing for types that are parts of others."""
PEOPLE = {
    "academic": ("class", "student", "enrollment", "schedule"),
    "identity": ("user",),
    "notification": ("notification",),
    "finance": ("invoice", "payment"),
    "operations": ("attendance", "assessment", "grade", "report_card"),
    "admission": ("application",),
}
ROOT_PERMISSIONS = {
    "tenants": "tenant:read_all",
    "tenantAggregates": "tenant:read_all",
    "deletedUsers": "user:delete",
    **dict.fromkeys(("roles", "role", "permissions"), "role:read"),
}
STUBS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("academic", "User"): ("identity", "users"),
    ("notification", "User"): ("identity", "users"),
    ("notification", "Student"): ("academic", "students"),
    ("finance", "Student"): ("academic", "students"),
    ("operations", "Student"): ("academic", "students"),
    ("operations", "Subject"): ("academic", "subjects"),
    ("operations", "ClassSubject"): ("academic", "class_subjects"),
    ("operations", "SchoolOverview"): ("academic", "schools"),
}
"""Entities of which a subgraph holds the id alone, and where their rows are."""
_TABLES = {
    "Class": "classes",
    "BillingConfig": "billing_configurations",
    "SchoolHoliday": "holidays",
    "Attendance": "student_attendance",
    "AdmissionPeriod": "periods",
}
"""Of types that are not called as their tables are."""


def column_of(field: str) -> str:
    """The column of a field that is called as it is."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in field)


def told(value: Any) -> Any:
    """A value as JSON tells it."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


@dataclass
class Seen:
    """What exists for one actor; `schools` are those that exist at all, by tenant."""

    schools: dict[UUID, Rows]
    platform_users: list[Row]
    actor: Actor
    subgraph: str

    @property
    def school(self) -> Rows | None:
        """The school the actor acts on."""
        return self.schools.get(self.actor.tenant_id)

    def may(self, resource: str, reach: str = "") -> bool:
        """Whether the actor holds `resource:read`, or with `_taught` or `_own` that one."""
        return f"{resource}:read{reach}" in self.actor.permissions

    def reads(self, kind: str) -> bool:
        """Whether the actor may read rows of a type at all."""
        resource = RESOURCES[self.subgraph].get(kind)
        return resource is None or any(self.may(resource, reach) for reach in ("", "_taught", "_own"))

    def figures(self, kind: str) -> bool:
        """Whether the actor may have figures over a type: never over the own rows alone."""
        resource = RESOURCES[self.subgraph][kind]
        return self.may(resource) or self.may(resource, "_taught")

    def table(self, name: str) -> list[Row]:
        """The rows of a table of the actor's school."""
        return [] if self.school is None else self.school_table(self.school, name)

    def school_table(self, school: Rows, name: str) -> list[Row]:
        """The rows of a table of a school, within the subgraph."""
        for model, rows in school.by_model.items():
            if model.__table__.name == name and model.__table__.schema == self.subgraph:
                return rows
        return []

    def by_id(self, name: str, row_id: Any) -> Row:
        """The row of that id; KeyError is a fault of the test."""
        return next(row for row in self.table(name) if row["id"] == row_id)

    # Rows of types

    def rows(self, kind: str) -> list[Row]:
        """The rows of a type that exist for the actor."""
        return [row for row in self.everything(kind) if self.sees(kind, row)] if self.reads(kind) else []

    def everything(self, kind: str) -> list[Row]:  # noqa: PLR0911 - one for each kind
        """All rows of a type in the actor's school."""
        match kind:
            case "Tenant":
                acting = [self.school] if self.school else self.schools.values()
                return [row for school in acting for row in self.school_table(school, "tenants")]
            case "User":
                return [row for row in self.users() if not row["deleted"]]
            case "DeletedUser":
                return [row for row in self.users() if row["deleted"]]
            case "Guardian":
                return self.guardians()
            case "SchoolOverview":
                return self.table("schools" if self.subgraph == "academic" else "tenants")
            case "Role":
                return seen_roles.roles(self)
            case "Permission":
                return seen_roles.permissions(self)
        return self.table(_TABLES.get(kind, column_of(kind).strip("_") + "s"))

    def sees(self, kind: str, row: Row) -> bool:
        """Whether a row of the school exists for the actor."""
        resource = RESOURCES[self.subgraph].get(kind)
        if resource is None or self.may(resource):
            return True
        narrowed = seen_lessons.sees if self.subgraph == "operations" else Seen._sees
        return narrowed(self, resource, kind, row)

    def _sees(self, resource: str, kind: str, row: Row) -> bool:  # noqa: PLR0911 - one for each kind
        match kind:
            case "Class":
                return row["id"] in self.seen_classes(resource)
            case "ClassSubject" | "Schedule":
                return row["class_id"] in self.seen_classes(resource)
            case "Student":
                return self.sees_pupil(resource, row["id"])
            case "Guardian":
                return self.sees_pupil(resource, row["student_id"])
            case "Enrollment":
                own = self.may(resource, "_own") and row["student_id"] in self.actor.student_ids
                taught = row["class_id"] in self.taught and row["student_id"] in self.taught_pupils
                return own or (self.may(resource, "_taught") and taught)
            case "User":
                return row["id"] == self.actor.user_id or row["staff"]
            case "DeletedUser":
                return bool(row["staff"])
            case "Notification":
                return row["user_id"] == self.actor.user_id
            case "Invoice" | "Payment":
                return row["student_id"] in self.actor.student_ids
        return False

    def sees_pupil(self, resource: str, student_id: Any) -> bool:
        """Families: their own; teachers: pupils who sit today in a class they teach or lead."""
        own = self.may(resource, "_own") and student_id in self.actor.student_ids
        return own or (self.may(resource, "_taught") and student_id in self.taught_pupils)

    @cached_property
    def taught(self) -> set[Any]:
        """Classes that the actor leads, or teaches today."""
        teachers = {row["id"] for row in self.table("teachers") if row["user_id"] == self.actor.user_id}
        led = {row["id"] for row in self.table("classes") if row["homeroom_teacher_id"] in teachers}
        lessons = {row["class_subject_id"] for row in self.valid("teaching") if row["teacher_id"] in teachers}
        return led | {row["class_id"] for row in self.table("class_subjects") if row["id"] in lessons}

    def valid(self, table: str) -> list[Row]:
        """Rows that hold today; `valid_to` is the first day after."""
        return [row for row in self.table(table) if row["valid_from"] <= self.today < row["valid_to"]]

    @property
    def today(self) -> date:
        """The day of the test."""
        return next(iter(self.schools.values())).today

    @cached_property
    def taught_pupils(self) -> set[Any]:
        """Who sits today in a class that is taught."""
        taught = self.taught
        return {row["student_id"] for row in self.valid("enrollments") if row["class_id"] in taught}

    def seen_classes(self, resource: str) -> set[Any]:
        """Classes that are taught, and those in which own pupils sit or sat."""
        taught = self.taught if self.may(resource, "_taught") else set()
        mine = [row for row in self.table("enrollments") if row["student_id"] in self.actor.student_ids]
        return taught | ({row["class_id"] for row in mine} if self.may(resource, "_own") else set())

    # Parts

    def users(self) -> list[Row]:
        """Accounts of the school, or of the platform at home."""
        return self.school.users if self.school else self.platform_users

    def guardians(self) -> list[Row]:
        """Guardians as seen from each of their pupils."""
        known = {row["id"]: row for row in self.table("guardians")}
        links = self.table("student_guardians")
        return [known[link["guardian_id"]] | {"student_id": link["student_id"]} | link_part(link) for link in links]

    def related(self, kind: str, row: Row, field: str) -> tuple[str, list[Row]]:  # noqa: C901, PLR0911 - one for each
        """The type of a relation and its visible rows."""
        match kind, field:
            case "Student", _ if self.subgraph == "operations":
                return seen_lessons.related(self, row, field)
            case ("School", "overview") | ("Tenant", "quotas" | "usage"):
                return self.kept({"overview": "SchoolOverview"}.get(field, f"Tenant{field.title()}"), [row])
            case "AcademicYear", "semesters":
                return self.where("Semester", academic_year_id=row["id"])
            case ("Class", "students") | ("Class", "studentAggregates"):
                return self.kept("Student", self.sitting(row))
            case "Class", "subjects":
                return self.where("ClassSubject", class_id=row["id"])
            case "ClassSubject", "teacher":
                return self.where("Teacher", id=self.teacher_of(row))
            case "Student", "currentClass":
                here = [each["class_id"] for each in self.valid("enrollments") if each["student_id"] == row["id"]]
                return self.kept("Class", [self.by_id("classes", each) for each in here])
            case "Student", "guardians" | "enrollments" | "invoices":
                return self.where(field[:-1].capitalize(), student_id=row["id"])
            case "RoleAssignment", "role":
                return "Role", [row["role"]]
            case "User", "notifications":
                return self.where("Notification", user_id=row["id"])
            case "Invoice", "payments":
                parts = [each for each in self.table("payment_allocations") if each["invoice_id"] == row["id"]]
                return self.kept("Payment", [self.by_id("payments", each["payment_id"]) for each in parts])
            case "Student", "notifications":
                return self.kept("Notification", self.about(row["id"]))
        named = {"homeroomTeacher": "Teacher", "period": "AdmissionPeriod"}
        return self.where(named.get(field, field[0].upper() + field[1:]), id=row[f"{column_of(field)}_id"])

    def kept(self, kind: str, rows: Iterable[Row]) -> tuple[str, list[Row]]:
        """Those of the rows that exist for the actor."""
        return kind, [row for row in rows if self.sees(kind, row)]

    def where(self, kind: str, **columns: Any) -> tuple[str, list[Row]]:
        """Rows of a type with these values."""
        found = (row for row in self.everything(kind) if all(row[name] == value for name, value in columns.items()))
        return self.kept(kind, found)

    def sitting(self, class_: Row) -> list[Row]:
        """Pupils of a class: of today, or of its last day when its year is over."""
        year = self.by_id("academic_years", class_["academic_year_id"])
        day = min(max(self.today, year["start_date"]), year["end_date"])
        sat = [row for row in self.table("enrollments") if row["class_id"] == class_["id"]]
        ids = {row["student_id"] for row in sat if row["valid_from"] <= day < row["valid_to"]}
        return [row for row in self.table("students") if row["id"] in ids]

    def teacher_of(self, subject: Row) -> Any:
        """Who teaches it now, or taught it last."""
        taught = [row for row in self.table("teaching") if row["class_subject_id"] == subject["id"]]
        return max(taught, key=lambda row: row["valid_from"])["teacher_id"]

    def about(self, student_id: Any) -> list[Row]:
        """Messages about a pupil. Whoever reads own messages alone knows of no other family's pupils."""
        if not self.may("notification") and student_id not in self.actor.student_ids:
            return []
        links = [row for row in self.table("notification_students") if row["student_id"] == student_id]
        return [self.by_id("notifications", link["notification_id"]) for link in links]

    def leaf(self, kind: str, row: Row, field: str) -> Any:  # noqa: C901, PLR0911 - one for each
        """The value of a field without fields of its own."""
        match kind, field:
            case "User", "emailVerified":
                return row["email_verified_at"] is not None
            case "Class", "studentCount":
                return row["enrolled_count"]
            case "Schedule", "room":
                return None if row["room_id"] is None else self.by_id("rooms", row["room_id"])["name"]
            case "SchoolOverview", _ if field in OVERVIEW:
                return OVERVIEW[field](self)
            case "ApiClient", "clientId":
                return urlsafe_b64encode(row["tenant_id"].bytes + row["id"].bytes).decode().rstrip("=")
            case "ApiClient", "formerSecretValidUntil":
                return told(row["former_valid_until"])
            case "Tenant", "registrationRole":
                return row["registration_role"] and row["registration_role"].upper()
            case "TenantQuotas", _:
                return row["quotas"].get(column_of(field))
            case "TenantUsage", _:
                return self.usage(self.schools[row["id"]], field)
            case "ReportCard", "pdfUrl":
                return seen_lessons.pdf_path(row)
            case "Invoice", "open":
                return row["amount"] - row["discount"] - row["paid"]
            case "Student", "outstandingBalance":
                bills = [each for each in self.table("invoices") if each["student_id"] == row["id"]]
                return self.owed(bills) if self.may("invoice") or row["id"] in self.actor.student_ids else None
        return told(row[column_of(field)])

    def usage(self, school: str, field: str) -> int:
        """What a school has of that for which there are quotas."""
        if field == "storageMegabytes":
            return ceil(sum(each["kept_bytes"] for each in self.school_table(school, "counted_storage")) / 2**20)
        people = self.school_table(school, "counted_people")
        return sum(each["counts"] and f"{each['kind'].lower()}s" == field for each in people)

    def owed(self, invoices: Iterable[Row]) -> int:
        """Rupiah that are still to be paid of those that are still asked for."""
        return sum(self.leaf("Invoice", each, "open") for each in invoices if each["status"] in OPEN)

    def active(self, rows: Iterable[Row]) -> list[Row]:
        """Those of the active academic year."""
        active = {row["id"] for row in self.table("academic_years") if row["is_active"]}
        return [row for row in rows if row["academic_year_id"] in active]


OVERVIEW: Mapping[str, Callable[[Seen], int]] = {
    "students": lambda seen: sum(each["status"] == "ACTIVE" for each in seen.table("students")),
    "classes": lambda seen: len(seen.active(seen.table("classes"))),
    "teachers": lambda seen: len(seen.table("teachers")),
    "failedMessages": lambda seen: sum(each["status"] == "FAILED" for each in seen.table("notifications")),
    "presentToday": seen_lessons.present_today,
    "openApplications": lambda seen: sum(each["status"] == "SUBMITTED" for each in seen.table("applications")),
    "unpaidTotal": lambda seen: seen.owed(seen.table("invoices")),
}
"""The figures of a school."""


def link_part(link: Row) -> Row:
    """What a guardian is to one pupil."""
    return {"relation": link["relation"]}
