"""Teachers in the graph."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from libs.graph import (
    Call,
    Conflict,
    Connection,
    EmailAddress,
    QuotaExceeded,
    column,
    described_enum,
    entity,
    given,
    mutation,
    one,
    result,
    root_connection,
    stub,
)
from libs.kernel import FieldFault
from subgraphs.academic.teacher import model, operations, rules

if TYPE_CHECKING:
    from subgraphs.academic.student.graph import User


described_enum(
    rules.TeacherStatus,
    "Whether a teacher works at the school.",
    ACTIVE="Works here.",
    INACTIVE="Left, or is away for good: takes no place of the school's quota.",
)


@entity(model.Teacher.__table__, resource="teacher")
class Teacher:
    """A teacher of the school."""

    id: UUID = column("Identity of the teacher.", filter=True)
    full_name: str = column("Full name.", filter=True, order=True)
    nip: str | None = column("Number of a civil servant, 18 digits.", filter=True, permission="teacher:read_nip")
    user: Annotated["User", strawberry.lazy("subgraphs.academic.student.graph")] | None = stub(
        "user_id", "Account of the teacher."
    )
    status: rules.TeacherStatus = column("Whether the teacher works at the school.", filter=True)
    version: int = column("Rises with every change; an update that expects another one is a Conflict.")


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


@strawberry.input(description="What changes of a teacher; what is left out stays, null clears.")
class UpdateTeacherInput:
    teacher_id: UUID = given("Whom to change.")
    expected_version: int | None = given("The version that was read; another one is a Conflict.", default=None, min=1)
    full_name: str | None = given("Full name.", optional=True, max_length=120)
    nip: str | None = given("Number of a civil servant, 18 digits.", optional=True, max_length=18)
    status: rules.TeacherStatus | None = given("INACTIVE: left the school; ACTIVE: works here again.", optional=True)

    def faults(self, today: date) -> Iterator[FieldFault]:  # noqa: ARG002 - the same for every input
        """A null where there must be something."""
        yield from rules.missing(self.changes())

    def changes(self) -> dict[str, Any]:
        """What is given, by column."""
        names = ("full_name", "nip", "status")
        changes = {name: vars(self)[name] for name in names if vars(self)[name] is not strawberry.UNSET}
        if changes.get("status"):
            changes["status"] = changes["status"].value
        return changes


@result
class UpdateTeacherSuccess:
    """Changed."""

    teacher_id: strawberry.Private[UUID]
    teacher: Teacher = one("Teacher", "The teacher as they are now.")


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

    @mutation(permission="teacher:update", errors=(Conflict, QuotaExceeded))
    async def update_teacher(self, call: Call, input: UpdateTeacherInput) -> UpdateTeacherSuccess:
        """Changes a teacher's record: also that the teacher left, or came back."""
        teacher = await operations.update_teacher(
            call.tx,
            contacts=call.context.extras.contacts,
            teacher_id=input.teacher_id,
            changes=input.changes(),
            expected_version=input.expected_version,
        )
        return UpdateTeacherSuccess(teacher_id=teacher.id)
