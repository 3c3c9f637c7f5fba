"""What the fields of Query mean, one by one, for the reference."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Uuid, literal

from libs.auth import PUBLIC
from libs.kernel import Forbidden
from subgraphs.academic.class_.queries import in_active_year
from subgraphs.academic.schedule.queries import week_of
from tests.reads.figures import figures
from tests.reads.rowwise import Page, Reading, Rows

Arguments = Mapping[str, Any]
_MOST_SLOTS = 10_000


def _page(name: str, order: str) -> Callable[[Reading, Arguments], Page]:
    return lambda reading, arguments: Page(reading.rows_of(name), arguments, order)


def _figures(name: str) -> Callable[[Reading, Arguments], Any]:
    return lambda reading, arguments: figures(reading.rows_of(name), arguments)


def _classes(reading: Reading, arguments: Arguments) -> Rows:
    """Those of the active year, unless the filter names a year."""
    rows = reading.rows_of("Class")
    if (arguments["filter"] or {}).get("academicYearId") is not None:
        return rows
    tenant = literal(reading.actor.tenant_id, Uuid())
    return rows.where(in_active_year(rows.alias.c.academic_year_id, tenant_id=tenant))


def _week(reading: Reading, arguments: Arguments) -> Any:
    rows = reading.rows_of("Schedule")
    wanted = {
        column: None if arguments[name] is None else literal(arguments[name], Uuid())
        for column, name in (("class_id", "classId"), ("teacher_id", "teacherId"), ("semester_id", "semesterId"))
    }
    return rows.where(*week_of(rows.alias, **wanted)).list("day_of_week, start_time, id", _MOST_SLOTS)


def _tenants(reading: Reading) -> Rows:
    if "tenant:read_all" not in reading.actor.permissions:
        raise Forbidden
    return reading.rows_of("Tenant")


def _deleted_users(reading: Reading) -> Rows:
    if "user:delete" not in reading.actor.permissions:
        raise Forbidden
    return reading.rows_of("DeletedUser")


def _public_school(reading: Reading, arguments: Arguments) -> Any:
    """Read by nobody in particular."""
    anybody = Reading(reading.subgraph, reading.connection, PUBLIC, reading.today, reading.now)
    slug, npsn = arguments["slug"], arguments["npsn"]
    return anybody.only("Tenant", slug=slug and slug.lower(), npsn=npsn and npsn.upper())


def _open_periods(reading: Reading, _: Arguments) -> Any:
    """Read by nobody in particular, at the school that the request is about."""
    anybody = replace(PUBLIC, tenant_id=reading.actor.tenant_id, permissions=frozenset({"admission_period:read"}))
    rows = replace(reading, actor=anybody).rows_of("AdmissionPeriod")
    row = rows.alias.c
    is_open = (row.status == "OPEN", row.start_date <= reading.today, row.end_date >= reading.today)
    return rows.where(*is_open).list("end_date, name")


ROOTS: Mapping[str, Mapping[str, Callable[[Reading, Arguments], Any]]] = {
    "academic": {
        "school": lambda reading, _: reading.only("School", id=reading.actor.tenant_id),
        "academicYears": _page("AcademicYear", "start_date desc"),
        "holidays": _page("SchoolHoliday", "date"),
        "activeSemester": lambda reading, _: reading.only("Semester", where=lambda alias: [alias.c.is_active]),
        "classes": lambda reading, given: Page(_classes(reading, given), given, "name"),
        "classAggregates": lambda reading, given: figures(_classes(reading, given), given),
        "class": lambda reading, given: reading.only("Class", id=given["id"]),
        "students": _page("Student", "full_name"),
        "studentAggregates": _figures("Student"),
        "student": lambda reading, given: reading.only("Student", **given),
        "teachers": _page("Teacher", "full_name"),
        "subjects": _page("Subject", "code"),
        "subjectAggregates": _figures("Subject"),
        "weeklySchedule": _week,
    },
    "identity": {
        "tenants": lambda reading, given: Page(_tenants(reading), given, "name"),
        "tenantAggregates": lambda reading, given: figures(_tenants(reading), given),
        "tenant": lambda reading, _: reading.only("Tenant", id=reading.actor.tenant_id),
        "publicSchool": _public_school,
        "users": _page("User", "name"),
        "userAggregates": _figures("User"),
        "deletedUsers": lambda reading, given: Page(_deleted_users(reading), given, "deleted_at desc"),
        "me": lambda reading, _: reading.only("User", id=reading.actor.user_id),
        "user": lambda reading, given: reading.only("User", id=given["id"]),
        "apiClients": _page("ApiClient", "created_at"),
    },
    "finance": {
        "billingConfigs": _page("BillingConfig", "name"),
        "invoices": _page("Invoice", "due_date desc"),
        "invoiceAggregates": _figures("Invoice"),
        "invoice": lambda reading, given: reading.only("Invoice", id=given["id"]),
        "payments": _page("Payment", "paid_on desc"),
        "payment": lambda reading, given: reading.only("Payment", id=given["id"]),
    },
    "operations": {
        "attendanceAggregates": _figures("Attendance"),
        "assessments": _page("Assessment", "assessment_date desc"),
        "reportCard": lambda reading, given: reading.only("ReportCard", id=given["id"]),
    },
    "admission": {
        "admissionPeriods": _page("AdmissionPeriod", "start_date desc"),
        "admissionPeriod": lambda reading, given: reading.only("AdmissionPeriod", id=given["id"]),
        "openAdmissionPeriods": _open_periods,
        "applications": _page("Application", "created_at desc"),
        "applicationAggregates": _figures("Application"),
        "application": lambda reading, given: reading.only("Application", id=given["id"]),
    },
    "notification": {
        "notifications": _page("Notification", "created_at desc"),
        "notificationAggregates": _figures("Notification"),
        "notification": lambda reading, given: reading.only("Notification", id=given["id"]),
    },
}
"""By subgraph and field. Fields that no declaration answers (`academicJob`, `operationsJob`, `roles`, `role`, `permissions`, `applicationStatus`, `_service`) are not compared."""
