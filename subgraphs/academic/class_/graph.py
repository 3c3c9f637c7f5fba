"""Classes in the graph."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, FromClause

from libs.auth import Reach
from libs.graph import (
    Aggregates,
    Call,
    Connection,
    Info,
    ReadContext,
    aggregates,
    column,
    compared,
    connection,
    entity,
    error,
    find_one,
    given,
    given_out,
    many,
    mutation,
    one,
    result,
    root_aggregates,
    root_connection,
)
from subgraphs.academic.class_ import model, operations, rules
from subgraphs.academic.class_.queries import in_active_year, in_seen_class, sitting_in

if TYPE_CHECKING:
    from subgraphs.academic.academic_year.graph import AcademicYear
    from subgraphs.academic.class_subject.graph import ClassSubject
    from subgraphs.academic.student.graph import Student
    from subgraphs.academic.teacher.graph import Teacher


def visible_classes(table: FromClause, context: ReadContext) -> ColumnElement[bool]:
    """Teachers: those they lead or teach. Families: those their pupils sit or sat in."""
    return in_seen_class(
        table.c.id,
        tenant_id=context.tenant_id,
        user_id=context.user_id,
        student_ids=context.student_ids,
        today=context.today,
        as_teacher=context.reach is Reach.TAUGHT,
        as_family=context.keeps_own,
    )


def pupils_of_today(context: ReadContext) -> FromClause:
    """Class -> pupil."""
    return sitting_in(tenant_id=context.tenant_id, today=context.today)


_CONDITIONS = {
    "academic_year_id": compared("Its academic year.", UUID, lambda t: t.c.academic_year_id, resource="academic_year"),
    "homeroom_teacher_id": compared(
        "Its homeroom teacher.", UUID, lambda t: t.c.homeroom_teacher_id, resource="teacher"
    ),
}


@entity(model.Class.__table__, resource="class", visible=visible_classes, conditions=_CONDITIONS)
class Class:
    """Pupils who are taught together for an academic year."""

    id: UUID = column("Identity of the class.", filter=True)
    name: str = column("Name, like X IPA 1; unique within its year.", filter=True, order=True)
    level: int = column("Grade level, 1 to 13.", filter=True, order=True, group=True)
    major: str | None = column("Major, where the school has any.", filter=True, group=True)
    max_students: int = column("Seats.", filter=True, measure=True)
    student_count: int = column("Seats that are taken.", of=lambda t: t.c.enrolled_count, measure=True)
    homeroom_teacher: Annotated["Teacher", strawberry.lazy("subgraphs.academic.teacher.graph")] | None = one(
        "Teacher", "Homeroom teacher."
    )
    academic_year: Annotated["AcademicYear", strawberry.lazy("subgraphs.academic.academic_year.graph")] = one(
        "AcademicYear", "Its academic year."
    )
    students: Connection[Annotated["Student", strawberry.lazy("subgraphs.academic.student.graph")]] = connection(
        "Student", "Pupils who sit in it today, by name.", through=pupils_of_today, order="full_name"
    )
    student_aggregates: Aggregates[Annotated["Student", strawberry.lazy("subgraphs.academic.student.graph")]] = (
        aggregates("Student", "Figures of the pupils who sit in it today.", through=pupils_of_today)
    )
    subjects: list[Annotated["ClassSubject", strawberry.lazy("subgraphs.academic.class_subject.graph")]] = many(
        "ClassSubject", "Its subjects in every semester of the year.", remote="class_id", assumed=30
    )


@error(rules.NameTaken)
class NameTaken:
    """The year already has a class of that name."""

    name: str = given_out("The name.")


@strawberry.input(description="A regular class of a year.")
class CreateClassInput:
    academic_year_id: UUID = given("The academic year.")
    name: str = given("Name of the class.", max_length=60)
    level: int = given("Grade level; the school teaches it.", min=1, max=13)
    major: str | None = given("Major.", default=None, max_length=60)
    max_students: int | None = given("Seats; 40 unless given.", default=None, min=1, max=rules.LARGEST_CAPACITY)


@strawberry.input(description="Who leads a class.")
class AssignHomeroomTeacherInput:
    class_id: UUID = given("The class.")
    teacher_id: UUID = given("The teacher.")


@result
class CreateClassSuccess:
    """The class was created."""

    class_id: strawberry.Private[UUID]
    class_: Class = one("Class", "The new class.")


@result
class AssignHomeroomTeacherSuccess:
    """The class has this homeroom teacher."""

    class_id: strawberry.Private[UUID]
    class_: Class = one("Class", "The class.")


def _of_active_year(table: FromClause, context: ReadContext) -> ColumnElement[bool]:
    """What a school asks for is this year's classes; those of other years it must name."""
    return in_active_year(table.c.academic_year_id, tenant_id=context.tenant_id)


@strawberry.type
class ClassQuery:
    """Queries about classes."""

    classes: Connection[Class] = root_connection(
        Class,
        "Classes, by name: those of the active academic year, unless the filter says something of `academicYearId` at "
        "its top level.",
        order="name",
        unless_filtered=("academicYearId", _of_active_year),
    )
    class_aggregates = root_aggregates(
        Class,
        "Figures of the classes, chosen like those of `classes`.",
        unless_filtered=("academicYearId", _of_active_year),
    )

    @strawberry.field(name="class", description="A class by its identity.")
    async def class_(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="Identity of the class.")]
    ) -> Class | None:
        """Null when there is none for the actor."""
        return await find_one(info, Class, id=id)  # type: ignore[no-any-return]


@strawberry.type
class ClassMutation:
    """Mutations of classes."""

    @mutation(permission="class:create", errors=(NameTaken,))
    async def create_class(self, call: Call, input: CreateClassInput) -> CreateClassSuccess:
        """Creates a class in an academic year."""
        created = await operations.create_class(
            call.tx,
            academic_year_id=input.academic_year_id,
            name=input.name,
            level=input.level,
            major=input.major,
            max_students=input.max_students,
        )
        return CreateClassSuccess(class_id=created.id)

    @mutation(permission="class:assign_homeroom")
    async def assign_homeroom_teacher(
        self, call: Call, input: AssignHomeroomTeacherInput
    ) -> AssignHomeroomTeacherSuccess:
        """Makes a teacher the homeroom teacher of a class."""
        class_ = await operations.assign_homeroom_teacher(call.tx, class_id=input.class_id, teacher_id=input.teacher_id)
        return AssignHomeroomTeacherSuccess(class_id=class_.id)
