"""What the schools of families.py mark and grade: every pupil comes or not, has scores, and report cards of which some
are not made yet.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from subgraphs.academic.academic_year.model import Semester as AcademicSemester
from subgraphs.academic.class_.model import Class as AcademicClass
from subgraphs.academic.class_subject.model import ClassSubject as AcademicClassSubject
from subgraphs.academic.class_subject.model import Teaching as AcademicTeaching
from subgraphs.academic.enrollment.model import Enrollment as AcademicEnrollment
from subgraphs.academic.student.model import Student
from subgraphs.academic.subject.model import Subject as AcademicSubject
from subgraphs.academic.teacher.model import Teacher
from subgraphs.operations.attendance.model import StudentAttendance
from subgraphs.operations.grading.model import Assessment, Grade, GradeCategory
from subgraphs.operations.model import Tenant
from subgraphs.operations.report_card.model import ReportCard
from subgraphs.operations.roster.model import Class, ClassSubject, Enrollment, Semester, Subject, Teaching

if TYPE_CHECKING:
    from tests.reads.families import Row, Rows

TOLD: Mapping[Any, Any] = {
    AcademicSemester: Semester,
    AcademicClass: Class,
    AcademicEnrollment: Enrollment,
    AcademicSubject: Subject,
    AcademicClassSubject: ClassSubject,
    AcademicTeaching: Teaching,
}
"""Rows of academic, and what operations knows of them."""
MODELS = (Tenant, *TOLD.values(), StudentAttendance, GradeCategory, Assessment, Grade, ReportCard)
"""In the order of their foreign keys."""
STATUSES = ("PRESENT", "LATE", "ABSENT", "SICK", "EXCUSED")
_WEIGHTS = {"tests": (40, 100), "exams": (60, 50)}
"""Category -> weight and best score."""


def told(source: "Row", model: Any, accounts: Mapping[Any, Any]) -> "Row":
    """A row of academic as operations keeps it; `accounts` are those of the teachers."""
    known = {column.key for column in model.__table__.columns}
    row = {name: value for name, value in source.items() if name in known} | {"sequence": 1}
    if model is Class:
        row["homeroom_user_id"] = accounts.get(source["homeroom_teacher_id"])
    if model is Teaching:
        row["user_id"] = accounts[source["teacher_id"]]
    return row


def add_lessons(rows: "Rows") -> None:
    """Everything operations holds; what academic holds must be there."""
    accounts = {each["id"]: each["user_id"] for each in rows.by_model[Teacher]}
    for of_academic, model in TOLD.items():
        for source in rows.by_model[of_academic]:
            rows.add(model, "told", **told(source, model, accounts))
    for class_subject in rows.by_model[ClassSubject]:
        _grade_class(rows, class_subject)
    for at, student in enumerate(rows.by_model[Student]):
        key = student["full_name"].split("/")[2]
        sittings = [each for each in rows.by_model[Enrollment] if each["student_id"] == student["id"]]
        _attend(rows, key, at, sittings[0])
        _report(rows, key, at, sittings[0])
        for number, sitting in enumerate(sittings):
            _score(rows, f"{key}_{number}", at, sitting)


def _grade_class(rows: "Rows", class_subject: "Row") -> None:
    """Two categories, one test and two exams, the second of which nobody has written; class C has none at all."""
    if class_subject["class_id"] == rows.id("classes", "c"):
        return
    for name, (weight, best) in _WEIGHTS.items():
        key = f"{class_subject['id'].hex}_{name}"
        exams = 1 + (name == "exams")
        category = rows.add(
            GradeCategory, key, class_subject_id=class_subject["id"], weight=weight, assessment_count=exams
        )
        for number in range(exams):
            rows.add(
                Assessment,
                f"{key}_{number}",
                class_subject_id=class_subject["id"],
                category_id=category["id"],
                max_score=best,
                assessment_date=rows.day(-number),
                created_by=rows.id("users", "teacher"),
            )


def _score(rows: "Rows", key: str, at: int, sitting: "Row") -> None:
    """The scores of a pupil in the subjects of one class: some are missing, rows of some are there without a score."""
    subjects = {each["id"] for each in rows.by_model[ClassSubject] if each["class_id"] == sitting["class_id"]}
    for number, assessment in enumerate(rows.by_model[Assessment]):
        if assessment["class_subject_id"] not in subjects or (at + number) % 4 == 0:
            continue
        score = assessment["max_score"] * (100 - 3 * at) - 25
        rows.add(
            Grade,
            f"{key}_{number}",
            student_id=sitting["student_id"],
            assessment_id=assessment["id"],
            **{name: assessment[name] for name in ("category_id", "max_score")},
            score_hundredths=None if (at + number) % 4 == 1 else score,
            status="DRAFT",
            graded_by=rows.id("users", "teacher"),
            graded_at=rows.made,
        )


def _attend(rows: "Rows", key: str, at: int, sitting: "Row") -> None:
    """Today and before: the office contradicts the teacher, a lesson the day, and last year counts for itself."""
    lesson = rows.id("schedules", "a")
    for name, day, status, source, schedule_id in (
        ("today", 0, at, "TEACHER", None),
        ("office", 0, at + 2, "OFFICE", None),
        ("before", -3, at + 1, "TEACHER", None),
        ("lesson", -3, at + 2, "TEACHER", lesson),
        ("only_lesson", -4, 2, "TEACHER", lesson),
        ("last_year", -300, 3, "TEACHER", None),
    ):
        if name == "office" and at % 2:
            continue
        rows.add(
            StudentAttendance,
            f"{key}_{name}",
            student_id=sitting["student_id"],
            class_id=sitting["class_id"],
            schedule_id=schedule_id,
            date=rows.day(day),
            status=STATUSES[status % len(STATUSES)],
            source=source,
            check_in_time=rows.made if name == "today" else None,
            recorded_by=rows.id("users", "teacher"),
            observed_at=rows.made,
        )


def _report(rows: "Rows", key: str, at: int, sitting: "Row") -> None:
    """A published card, and of every second pupil a further revision without a PDF."""
    semester = rows.by_model[Semester][2]
    about = {
        "student_id": sitting["student_id"],
        "class_id": sitting["class_id"],
        "semester_id": semester["id"],
        "academic_year_id": semester["academic_year_id"],
        "heading": b"-",
        "generated_by": rows.id("users", "teacher"),
    }
    card = rows.add(ReportCard, key, **about, revision=1, status="PUBLISHED", generated_at=rows.made)
    if at % 2:
        draft = about | {"supersedes_id": card["id"], "file": None, "generated_at": None}
        rows.add(ReportCard, f"{key}_draft", **draft, revision=2, status="DRAFT")
