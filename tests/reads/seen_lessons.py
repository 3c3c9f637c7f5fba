"""Who sees which marks, grades and report cards, and what they come to: the part of seen.py about operations."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import groupby
from math import floor
from typing import TYPE_CHECKING, Any

from subgraphs.operations.report_card.rules import path_of

if TYPE_CHECKING:
    from tests.reads.families import Row
    from tests.reads.seen import Seen

_BANDS = {75: (93, 84)}
"""KKM -> from which score on it is an A, a B."""
_PREDICATES = {"A": "Sangat Baik", "B": "Baik", "C": "Cukup", "D": "Kurang"}
_CAME = ("PRESENT", "LATE")
_SOURCES = ("OFFICE", "SELF", "TEACHER")
"""The first one holds."""


def led(seen: "Seen") -> set[Any]:
    """Classes that the account leads."""
    return {row["id"] for row in seen.table("classes") if row["homeroom_user_id"] == seen.actor.user_id}


def taught_last(seen: "Seen", rows: Iterable["Row"]) -> set[Any]:
    """Of these rows of teaching, the class subjects whose last one is the account's."""
    last: dict[Any, Any] = {}
    for row in sorted(rows, key=lambda row: row["valid_from"]):
        last[row["class_subject_id"]] = row["user_id"]
    return {subject for subject, user in last.items() if user == seen.actor.user_id}


def graded(seen: "Seen") -> set[Any]:
    """Class subjects that the account teaches or taught last, and those of the classes that it leads."""
    leads = led(seen)
    own = {row["id"] for row in seen.table("class_subjects") if row["class_id"] in leads}
    return own | taught_last(seen, seen.table("teaching"))


def attended(seen: "Seen") -> set[Any]:
    """Class subjects of the classes in which own pupils sit or sat."""
    mine = {row["class_id"] for row in seen.table("enrollments") if row["student_id"] in seen.actor.student_ids}
    return {row["id"] for row in seen.table("class_subjects") if row["class_id"] in mine}


def kept(seen: "Seen") -> set[Any]:
    """Classes that the account leads, or teaches today."""
    subjects = taught_last(seen, seen.valid("teaching"))
    return led(seen) | {row["class_id"] for row in seen.table("class_subjects") if row["id"] in subjects}


def kept_pupils(seen: "Seen") -> set[Any]:
    """Who sits today in a class that the account leads, or teaches today."""
    return {row["student_id"] for row in seen.valid("enrollments") if row["class_id"] in kept(seen)}


def followed(seen: "Seen") -> set[Any]:
    """Classes of whose attendance the account is told."""
    if seen.may("attendance"):
        return {row["id"] for row in seen.table("classes")}
    mine = {row["class_id"] for row in seen.valid("enrollments") if row["student_id"] in seen.actor.student_ids}
    return (kept(seen) if seen.may("attendance", "_taught") else set()) | (
        mine if seen.may("attendance", "_own") else set()
    )


def sees(seen: "Seen", resource: str, kind: str, row: "Row") -> bool:
    """Whether a row exists for an actor who does not read all of its kind."""
    own, taught = seen.may(resource, "_own"), seen.may(resource, "_taught")
    match kind:
        case "Attendance":
            is_own = row["student_id"] in seen.actor.student_ids
            return (own and is_own) or (taught and row["student_id"] in kept_pupils(seen))
        case "Assessment":
            subject = row["class_subject_id"]
            return (own and subject in attended(seen)) or (taught and subject in graded(seen))
        case "ReportCard":
            is_own = row["student_id"] in seen.actor.student_ids and row["file"] is not None
            return (own and is_own) or (taught and row["class_id"] in led(seen))
    raise KeyError(kind)


def related(seen: "Seen", row: "Row", field: str) -> tuple[str, list["Row"]]:
    """The type of a field of a pupil and its visible rows."""
    match field:
        case "attendance":
            return seen.where("Attendance", student_id=row["id"])
        case "reportCards":
            return seen.where("ReportCard", student_id=row["id"])
        case "attendanceSummary":
            known = seen.sees("Attendance", {"student_id": row["id"]})
            return "AttendanceSummary", [_summary(seen, row["id"])] if known else []
        case "gradeSummary":
            return "SubjectGrade", list(_grades(seen, row["id"]))
    raise KeyError(field)


def pdf_path(row: "Row") -> str | None:
    """Where the PDF of a card lies; how the address is signed is tested elsewhere."""
    return None if row["file"] is None else path_of(row["tenant_id"], row["id"])


def days(marks: Iterable["Row"]) -> list["Row"]:
    """One mark for each pupil and day: that of the day before those of lessons, the office's first."""

    def by(row: "Row") -> tuple[Any, ...]:
        return str(row["student_id"]), row["date"]

    def rank(row: "Row") -> tuple[Any, ...]:
        return row["schedule_id"] is not None, _SOURCES.index(row["source"])

    return [min(each, key=rank) for _, each in groupby(sorted(marks, key=by), key=by)]


def present_today(seen: "Seen") -> int:
    """Pupils who came today."""
    today = [row for row in seen.table("student_attendance") if row["date"] == seen.today]
    return sum(row["status"] in _CAME for row in days(today))


def _active(seen: "Seen") -> "Row | None":
    return next((row for row in seen.table("semesters") if row["is_active"]), None)


def _summary(seen: "Seen", student_id: Any) -> "Row":
    semester = _active(seen)
    mine = (row for row in seen.table("student_attendance") if row["student_id"] == student_id)
    counted = days(row for row in mine if semester and semester["start_date"] <= row["date"] <= seen.today)
    told = {name: sum(row["status"] == name.upper() for row in counted) for name in _COUNTED}
    return told | {"days": len(counted)}


_COUNTED = ("present", "absent", "late", "excused", "sick")


def _grades(seen: "Seen", student_id: Any) -> Iterable["Row"]:
    """In each subject of the active semester, in the class where the pupil sat last, if the actor may see it there."""
    semester, taken = _active(seen), {}
    sat = [row for row in seen.table("enrollments") if row["student_id"] == student_id]
    for sitting in sorted(sat, key=lambda row: row["valid_from"]):
        for each in seen.table("class_subjects"):
            here = each["class_id"] == sitting["class_id"] and semester and each["semester_id"] == semester["id"]
            if here and sitting["valid_from"] <= semester["end_date"] and sitting["valid_to"] > semester["start_date"]:
                taken[each["subject_id"]] = each
    own = seen.may("grade", "_own") and student_id in seen.actor.student_ids
    kept = graded(seen) if seen.may("grade", "_taught") else set()
    for each in taken.values():
        if seen.may("grade") or own or each["id"] in kept:
            yield _grade(seen, student_id, each)


def _grade(seen: "Seen", student_id: Any, class_subject: "Row") -> "Row":
    subject = seen.by_id("subjects", class_subject["subject_id"])
    categories = [row for row in seen.table("grade_categories") if row["class_subject_id"] == class_subject["id"]]
    weighted, weights, missing = Fraction(0), 0, 0 if categories else 1
    for category in categories:
        mine = (row for row in seen.table("grades") if row["student_id"] == student_id)
        scores = [
            Fraction(row["score_hundredths"], row["max_score"])
            for row in mine
            if row["category_id"] == category["id"] and row["score_hundredths"] is not None
        ]
        missing += max(category["assessment_count"], 1) - len(scores)
        if scores:
            weighted += category["weight"] * sum(scores) / len(scores)
            weights += category["weight"]
    final = float(Fraction(floor(weighted / weights * 100 + Fraction(1, 2)), 100)) if weights else None
    kkm = subject["kkm"]
    a, b = _BANDS[kkm]
    letter = None if final is None else "A" if final >= a else "B" if final >= b else "C" if final >= kkm else "D"
    return {
        "subject_id": subject["id"],
        "final_score": final,
        "grade_letter": letter,
        "predicate": letter and _PREDICATES[letter],
        "kkm": kkm,
        "passed": None if final is None else final >= kkm,
        "missing": missing,
    }
