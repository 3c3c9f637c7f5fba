"""What operations adds to pupils, and how it names what academic owns."""

from datetime import date
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from libs.graph import Connection, column, connection, derived, entity, many

if TYPE_CHECKING:
    from subgraphs.operations.attendance.graph import Attendance, AttendanceSummary
    from subgraphs.operations.grading.graph import SubjectGrade
    from subgraphs.operations.report_card.graph import ReportCard

ATTENDANCE = "subgraphs.operations.attendance.graph"
GRADING = "subgraphs.operations.grading.graph"
REPORT_CARD = "subgraphs.operations.report_card.graph"


@entity(None, resource="subject")
class Subject:
    """A subject, which academic owns."""

    id: UUID = column("Identity of the subject.")


@entity(None, resource="class")
class ClassSubject:
    """A subject of a class, which academic owns."""

    id: UUID = column("Identity of the class subject.")


@entity(None, resource="student")
class Student:
    """A pupil, whom academic owns."""

    id: UUID = column("Identity of the pupil.")
    grade_summary: list[Annotated["SubjectGrade", strawberry.lazy(GRADING)]] | None = derived(
        "SubjectGrade",
        "What the pupil's grades come to in each subject of a semester, by name of the subject.",
        arguments={"semester_id": (UUID, "The semester; the active one when nothing is said.")},
        many=True,
        assumed=15,
    )
    report_cards: list[Annotated["ReportCard", strawberry.lazy(REPORT_CARD)]] | None = many(
        "ReportCard", "The pupil's report cards, latest first.", remote="student_id", order="created_at desc"
    )
    attendance_summary: Annotated["AttendanceSummary", strawberry.lazy(ATTENDANCE)] | None = derived(
        "AttendanceSummary",
        "What became of the pupil's days: of a semester up to today, or of the days that are named.",
        arguments={
            "semester_id": (UUID, "The semester; the active one when nothing is said."),
            "from_": (date, "The first day; that of the semester when nothing is said."),
            "to": (date, "The last day; today, or that of the semester, when nothing is said."),
        },
    )
    attendance: Connection[Annotated["Attendance", strawberry.lazy(ATTENDANCE)]] | None = connection(
        "Attendance", "The pupil's marks, newest first.", remote="student_id", order="date desc"
    )
