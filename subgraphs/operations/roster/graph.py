"""What operations adds to pupils, and how it names what academic owns."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from libs.graph import column, derived, entity

if TYPE_CHECKING:
    from subgraphs.operations.grading.graph import SubjectGrade

GRADING = "subgraphs.operations.grading.graph"


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
