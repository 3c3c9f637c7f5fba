"""Enrollments in the graph."""

from datetime import date
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, FromClause, any_, or_

from libs.auth import Reach
from libs.graph import (
    Call,
    ReadContext,
    column,
    described_enum,
    entity,
    error,
    given,
    given_out,
    mutation,
    one,
    result,
)
from subgraphs.academic.enrollment import model, operations, rules
from subgraphs.academic.enrollment.queries import taught_enrollments

if TYPE_CHECKING:
    from subgraphs.academic.class_.graph import Class
    from subgraphs.academic.student.graph import Student

described_enum(
    rules.EnrollmentStatus,
    "How a pupil's time in a class stands, or why it ended.",
    ACTIVE="The pupil sits there, or is about to.",
    TRANSFERRED="Went to another class or school.",
    GRADUATED="Finished the class.",
    WITHDRAWN="Left the school.",
)


def visible_enrollments(table: FromClause, context: ReadContext) -> ColumnElement[bool]:
    """Families: their pupils'. Teachers: their classes' enrollments of pupils they teach, and their own children's."""
    own = table.c.student_id == any_(context.student_ids)
    if context.reach is Reach.OWN:
        return own
    taught = taught_enrollments(table, tenant_id=context.tenant_id, user_id=context.user_id, today=context.today)
    return or_(own, taught) if context.keeps_own else taught


@entity(model.Enrollment.__table__, resource="enrollment", visible=visible_enrollments, keyed=False)
class Enrollment:
    """A pupil's time in a class."""

    id: UUID = column("Identity of the enrollment.")
    class_: Annotated["Class", strawberry.lazy("subgraphs.academic.class_.graph")] = one("Class", "The class.")
    student: Annotated["Student", strawberry.lazy("subgraphs.academic.student.graph")] = one("Student", "The pupil.")
    valid_from: date = column("First day in the class.", filter=True, order=True)
    valid_to: date | None = column("First day after it; the day after the year's end, if not earlier.")
    status: rules.EnrollmentStatus = column("How it stands, or why it ended.", filter=True)


@error(rules.ClassFull)
class ClassFull:
    """Every seat of the class is taken."""

    capacity: int = given_out("Seats of the class.")


@error(rules.AlreadyEnrolled)
class AlreadyEnrolled:
    """The pupil sits in a class in these days."""

    class_id: strawberry.Private[UUID]
    name: strawberry.Private[str]
    class_: Annotated["Class", strawberry.lazy("subgraphs.academic.class_.graph")] = one("Class", "That class.")


@strawberry.input(description="Who gets a seat where.")
class EnrollStudentInput:
    class_id: UUID = given("The class.")
    student_id: UUID = given("The pupil.")
    from_: date | None = given("First day in the class; today unless given.", default=None, name="from")


@result
class EnrollStudentSuccess:
    """The pupil has a seat."""

    enrollment_id: strawberry.Private[UUID]
    enrollment: Enrollment = one("Enrollment", "The enrollment.")


@strawberry.type
class EnrollmentMutation:
    """Mutations of enrollments."""

    @mutation(permission="enrollment:create", errors=(ClassFull, AlreadyEnrolled))
    async def enroll_student(self, call: Call, input: EnrollStudentInput) -> EnrollStudentSuccess:
        """Puts a pupil into a class from a day on, until its year is over."""
        enrollment = await operations.enroll_student(
            call.tx, class_id=input.class_id, student_id=input.student_id, since=input.from_, today=call.today
        )
        return EnrollStudentSuccess(enrollment_id=enrollment.id)
