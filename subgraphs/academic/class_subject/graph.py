"""Subjects of a class in the graph."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, FromClause

from libs.auth import Reach
from libs.graph import Call, ReadContext, column, entity, given, mutation, one, result
from subgraphs.academic.class_subject import model, operations
from subgraphs.academic.class_subject.queries import in_seen_class, latest_teachers

if TYPE_CHECKING:
    from subgraphs.academic.academic_year.graph import Semester
    from subgraphs.academic.class_.graph import Class
    from subgraphs.academic.subject.graph import Subject
    from subgraphs.academic.teacher.graph import Teacher


def visible_class_subjects(table: FromClause, context: ReadContext) -> ColumnElement[bool]:
    """Those of the classes the actor sees."""
    return in_seen_class(
        table.c.class_id,
        tenant_id=context.tenant_id,
        user_id=context.user_id,
        student_ids=context.student_ids,
        today=context.today,
        as_teacher=context.reach is Reach.TAUGHT,
        as_family=context.keeps_own,
    )


def teacher_now(context: ReadContext) -> FromClause:
    """Class subject -> teacher."""
    return latest_teachers(tenant_id=context.tenant_id)


@entity(model.ClassSubject.__table__, resource="class", visible=visible_class_subjects)
class ClassSubject:
    """A subject that a class has in a semester."""

    id: UUID = column("Identity of the class subject.")
    class_: Annotated["Class", strawberry.lazy("subgraphs.academic.class_.graph")] = one("Class", "The class.")
    subject: Annotated["Subject", strawberry.lazy("subgraphs.academic.subject.graph")] = one("Subject", "The subject.")
    semester: Annotated["Semester", strawberry.lazy("subgraphs.academic.academic_year.graph")] = one(
        "Semester", "The semester."
    )
    teacher: Annotated["Teacher", strawberry.lazy("subgraphs.academic.teacher.graph")] | None = one(
        "Teacher", "Who teaches it now, or taught it last.", through=teacher_now
    )


@strawberry.input(description="Which subject a class has, and by whom.")
class AssignSubjectToClassInput:
    class_id: UUID = given("The class.")
    subject_id: UUID = given("The subject.")
    semester_id: UUID = given("The semester; one of the class's own year.")
    teacher_id: UUID | None = given("Who teaches it; left out, the teacher stays.", default=None)


@result
class AssignSubjectToClassSuccess:
    """The class has the subject."""

    class_subject_id: strawberry.Private[UUID]
    class_subject: ClassSubject = one("ClassSubject", "The subject of the class.")


@strawberry.type
class ClassSubjectMutation:
    """Mutations of the subjects of classes."""

    @mutation(permission="class_subject:create")
    async def assign_subject_to_class(
        self, call: Call, input: AssignSubjectToClassInput
    ) -> AssignSubjectToClassSuccess:
        """Gives a class a subject in a semester, and the subject a teacher; doing it again changes nothing."""
        assigned = await operations.assign_subject_to_class(
            call.tx,
            class_id=input.class_id,
            subject_id=input.subject_id,
            semester_id=input.semester_id,
            teacher_id=input.teacher_id,
            today=call.today,
        )
        return AssignSubjectToClassSuccess(class_subject_id=assigned.id)
