"""What the two schools of world.py mark and grade: ties, nulls, contradictions, subjects without categories, cards
without a PDF."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from subgraphs.academic.teacher.model import Teacher
from subgraphs.operations.attendance.model import StudentAttendance
from subgraphs.operations.grading.model import Assessment, Grade, GradeCategory
from subgraphs.operations.report_card.model import ReportCard
from tests.reads.lessons import STATUSES, TOLD, told

Identity = Callable[[str, int], UUID]
Rows = Callable[[str, Sequence[Mapping[str, Any]]], list[dict[str, Any]]]
_MADE = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
_CATEGORIES = ((0, 40, 2), (0, 60, 1), (1, 100, 0), (2, 30, 1), (2, 70, 2), (3, 100, 1), (5, 50, 1), (5, 50, 1))
"""Class subject, weight, number of assessments."""
ASSESSMENTS, CARDS = sum(count for *_, count in _CATEGORIES), 9


def tables(
    identity: Identity, rows: Rows, today: date, academic: Mapping[Any, list[dict[str, Any]]]
) -> list[tuple[Any, Any]]:
    """Everything operations holds but for the school, in the order of its foreign keys."""
    accounts = {each["id"]: each["user_id"] for each in academic[Teacher]}
    roster = [(model, [told(each, model, accounts) for each in academic[source]]) for source, model in TOLD.items()]
    return [*roster, (StudentAttendance, rows("mark", _marks(identity, today))), *_grading(identity, rows, today)]


def _marks(identity: Identity, today: date) -> list[dict[str, Any]]:
    """Of ten pupils; on some days several marks, of which one holds."""
    days: Sequence[tuple[date, str, int | None]] = (
        (today, "TEACHER", None),
        (today, "OFFICE", None),
        (today - timedelta(days=1), "TEACHER", 0),
        (today - timedelta(days=1), "TEACHER", 1),
        (today - timedelta(days=40), "TEACHER", None),
        (today - timedelta(days=300), "TEACHER", None),
        (date(2026, 1, 1), "SELF", None),
        (date(2026, 12, 31), "SELF", None),
    )
    return [
        {
            "student_id": identity("student", student),
            "class_id": identity("class", student % 3),
            "schedule_id": None if lesson is None else identity("schedule", lesson),
            "date": day,
            "status": STATUSES[(student * 3 + at) % len(STATUSES)],
            "check_in_time": _MADE + timedelta(microseconds=at * 1_000) if at % 3 == 0 else None,
            "notes": ("\u202ecatatan\n'", None, "")[at % 3],
            "recorded_by": identity("user-teacher", 0),
            "source": source,
            "observed_at": _MADE,
            "updated_at": _MADE + timedelta(minutes=(at * 7) % 11),
        }
        for student in range(10)
        for at, (day, source, lesson) in enumerate(days)
        if (student + at) % 4
    ]


def _grading(identity: Identity, rows: Rows, today: date) -> list[tuple[Any, Any]]:
    categories = [
        {
            "class_subject_id": identity("class-subject", of),
            "name": f"Kategori {at} 🌸",
            "weight": weight,
            "assessment_count": count,
        }
        for at, (of, weight, count) in enumerate(_CATEGORIES)
    ]
    assessments = [
        {
            "class_subject_id": category["class_subject_id"],
            "category_id": identity("category", at),
            "title": ("Ulangan", 'UTS "1"', "اختبار")[number % 3],
            "description": None,
            "max_score": (100, 50, 30)[at % 3],
            "assessment_date": today - timedelta(days=at // 2) if at % 3 else date(2026, 1, 1),
            "created_by": identity("user-teacher", 0),
        }
        for at, category in enumerate(categories)
        for number in range(category["assessment_count"])
    ]
    grades = [
        _grade(identity, each, number, student) for number, each in enumerate(assessments) for student in range(9)
    ]
    return [
        (GradeCategory, rows("category", categories)),
        (Assessment, rows("assessment", assessments)),
        (Grade, rows("grade", [each for each in grades if each])),
        (ReportCard, rows("card", [_card(identity, at) for at in range(CARDS)])),
    ]


def _grade(identity: Identity, assessment: Mapping[str, Any], number: int, student: int) -> dict[str, Any]:
    """Nothing at all for some; a row without a score, and scores whose mean has no end, for others."""
    if (number + student) % 5 == 0:
        return {}
    score = (assessment["max_score"] * 100 * (student + 7 + number % 2)) // 17
    return {
        "assessment_id": identity("assessment", number),
        "category_id": assessment["category_id"],
        "max_score": assessment["max_score"],
        "student_id": identity("student", student),
        "score_hundredths": None if (number + student) % 5 == 1 else score,
        "status": "SUBMITTED",
        "graded_by": identity("user-teacher", 0),
        "graded_at": _MADE,
    }


def _card(identity: Identity, at: int) -> dict[str, Any]:
    """Three pupils with three each: of last year, of this one, and its revision, which has no PDF with some."""
    student, number = (0, 1, 5)[at // 3], at % 3
    drafted = number == 2 and student != 1
    return {
        "student_id": identity("student", student),
        "class_id": identity("class", (student % 3) if number else 3),
        "semester_id": identity("semester", 2 if number else 0),
        "academic_year_id": identity("year", 1 if number else 0),
        "revision": max(number, 1),
        "supersedes_id": identity("card", at - 1) if number == 2 else None,
        "status": ("PUBLISHED", "REVOKED", "DRAFT" if drafted else "GENERATED")[number],
        "code": f"KODE{at}",
        "heading": b"-",
        "generated_by": identity("user-principal", 0),
        "generated_at": None if drafted else _MADE + timedelta(milliseconds=at),
        "file": None if drafted else f"card/{at}",
        "created_at": _MADE + timedelta(hours=number // 2),
    }
