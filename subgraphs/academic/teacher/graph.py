"""Teachers in the graph."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from libs.graph import (
    Call,
    Connection,
    EmailAddress,
    QuotaExceeded,
    column,
    entity,
    given,
    mutation,
    one,
    result,
    root_connection,
    stub,
)
from subgraphs.academic.teacher import model, operations

if TYPE_CHECKING:
    from subgraphs.academic.student.graph import User


@entity(model.Teacher.__table__, resource="teacher")
class Teacher:
    """A teacher of the school."""

    id: UUID = column("Identity of the teacher.", filter=True)
    full_name: str = column("Full name.", filter=True, order=True)
    nip: str | None = column("Number of a civil servant, 18 digits.", filter=True, permission="teacher:read_nip")
    user: Annotated["User", strawberry.lazy("subgraphs.academic.student.graph")] | None = stub(
        "user_id", "Account of the teacher."
    )


@strawberry.input(description="A teacher.")
class CreateTeacherInput:
    full_name: str = given("Full name.", max_length=120)
    nip: str | None = given("Number of a civil servant, 18 digits.", default=None, max_length=18)
    email: EmailAddress | None = given("Address to which an invitation goes.", default=None)


@result
class CreateTeacherSuccess:
    """The teacher was added."""

    teacher_id: strawberry.Private[UUID]
    teacher: Teacher = one("Teacher", "The new teacher.")


@strawberry.type
class TeacherQuery:
    """Queries about teachers."""

    teachers: Connection[Teacher] = root_connection(Teacher, "Teachers, by name.", order="full_name")


@strawberry.type
class TeacherMutation:
    """Mutations of teachers."""

    @mutation(permission="teacher:create", errors=(QuotaExceeded,))
    async def create_teacher(self, call: Call, input: CreateTeacherInput) -> CreateTeacherSuccess:
        """Adds a teacher; with an e-mail address, the person is invited to an account."""
        teacher = await operations.create_teacher(
            call.tx,
            contacts=call.context.extras.contacts,
            full_name=input.full_name,
            nip=input.nip,
            email=input.email,
        )
        return CreateTeacherSuccess(teacher_id=teacher.id)
