"""Pupils and their guardians in the graph."""

from collections.abc import AsyncGenerator
from datetime import date
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, FromClause, Select, any_

from libs.auth import Reach
from libs.graph import (
    Call,
    Connection,
    FileInput,
    Info,
    Job,
    ReadContext,
    column,
    compared_any,
    connection,
    described_enum,
    entity,
    find_job,
    find_one,
    follow_job,
    given,
    many,
    mutation,
    one,
    result,
    root_aggregates,
    root_connection,
    stub,
)
from subgraphs.academic.student import model, operations, rules
from subgraphs.academic.student.queries import class_of_today, classes_on, guardians_of_students, is_taught

if TYPE_CHECKING:
    from subgraphs.academic.class_.graph import Class
    from subgraphs.academic.enrollment.graph import Enrollment

described_enum(rules.Gender, "Sex as registered.", MALE="Boy or man.", FEMALE="Girl or woman.")
described_enum(
    rules.StudentStatus,
    "Where a pupil stands with the school.",
    ACTIVE="Goes to this school.",
    TRANSFERRED="Went to another school.",
    GRADUATED="Finished it.",
    WITHDRAWN="Left it.",
)
described_enum(
    rules.GuardianRelation,
    "What a guardian is to a pupil.",
    FATHER="Father.",
    MOTHER="Mother.",
    GUARDIAN="Anybody else who answers for the pupil.",
)


@entity(None, resource="student")
class User:
    """An account, which identity owns."""

    id: UUID = column("Identity of the account.")


def _visible(student_id: ColumnElement[UUID], context: ReadContext) -> ColumnElement[bool]:
    """Families: their own. Teachers: pupils who sit today in a class they lead or teach, and their own children."""
    if context.reach is Reach.OWN:
        return student_id == any_(context.student_ids)
    return is_taught(
        student_id,
        tenant_id=context.tenant_id,
        user_id=context.user_id,
        today=context.today,
        or_own=context.student_ids if context.keeps_own else None,
    )


def visible_students(table: FromClause, context: ReadContext) -> ColumnElement[bool]:
    """See _visible."""
    return _visible(table.c.id, context)


def visible_guardians(table: FromClause, context: ReadContext) -> ColumnElement[bool]:
    """See _visible."""
    return _visible(table.c.student_id, context)


def regular_class(context: ReadContext) -> FromClause:
    """Pupil -> class of today."""
    return class_of_today(tenant_id=context.tenant_id, today=context.today)


def _classes_of_today(table: FromClause, context: ReadContext) -> Select[UUID]:
    return classes_on(table.c.id, tenant_id=context.tenant_id, day=context.today)


@entity(guardians_of_students(), resource="student", visible=visible_guardians, keyed=False)
class Guardian:
    """A parent or guardian, as seen from one pupil."""

    id: UUID = column("Identity of the guardian; siblings share one.")
    name: str = column("Full name.")
    relation: rules.GuardianRelation = column("What the guardian is to the pupil.")
    user: User | None = stub("user_id", "Account of the guardian.")


@entity(
    model.Student.__table__,
    resource="student",
    visible=visible_students,
    conditions={
        "class_id": compared_any("Classes the pupil sits in today.", UUID, _classes_of_today, resource="class")
    },
)
class Student:
    """A pupil of the school."""

    id: UUID = column("Identity of the pupil.", filter=True)
    nis: str = column("The school's own number.", filter=True, order=True)
    nisn: str | None = column("National number, 10 digits.", filter=True)
    full_name: str = column(
        "Full name.", order=True, search=(model.StudentName.__table__, "student_id", rules.name_words)
    )
    gender: rules.Gender = column("Sex as registered.", filter=True, group=True)
    birth_date: date | None = column("Date of birth.", filter=True)
    status: rules.StudentStatus = column("Where the pupil stands with the school.", filter=True, group=True)
    user: User | None = stub("user_id", "Account of the pupil.")
    current_class: Annotated["Class", strawberry.lazy("subgraphs.academic.class_.graph")] | None = one(
        "Class", "Regular class of today.", through=regular_class, group=True
    )
    guardians: list[Guardian] = many(
        "Guardian", "Parents and guardians, by name.", remote="student_id", order="name", assumed=2
    )
    enrollments: Connection[Annotated["Enrollment", strawberry.lazy("subgraphs.academic.enrollment.graph")]] = (
        connection("Enrollment", "Enrollments, newest first.", remote="student_id", order="valid_from desc")
    )


@strawberry.input(
    description="Pupils as CSV or XLSX with the columns nis, nisn, full_name, gender, birth_date, class, "
    "guardian_name, guardian_relation, guardian_email, guardian_phone and, if wanted, email (the pupil's own)."
)
class ImportStudentsInput:
    file: FileInput = given("The file.")
    academic_year_id: UUID = given("The year in which the pupils sit in the classes named.")
    dry_run: bool = given("Only tell what is wrong with it.", default=False)


@result
class ImportStudentsSuccess:
    """The import is queued; the job tells what becomes of it."""

    job_id: strawberry.Private[UUID]

    @strawberry.field(description="The job; `academicJob` follows it.")
    async def job(self, info: Info) -> Job:
        """Read after the commit."""
        found = await find_job(info, self.job_id, permission="student:import")
        assert found is not None  # committed with this very answer
        return found


@strawberry.type
class StudentQuery:
    """Queries about pupils."""

    students: Connection[Student] = root_connection(Student, "Pupils, by name.", order="full_name")
    student_aggregates = root_aggregates(Student, "Figures of the pupils that the actor sees.")

    @strawberry.field(description="A pupil by identity, NIS or NISN; those that are given must all hold.")
    async def student(
        self,
        info: Info,
        id: Annotated[UUID | None, strawberry.argument(description="Identity of the pupil.")] = None,
        nis: Annotated[str | None, strawberry.argument(description="The school's own number.")] = None,
        nisn: Annotated[str | None, strawberry.argument(description="National number.")] = None,
    ) -> Student | None:
        """Null when there is none for the actor."""
        return await find_one(info, Student, id=id, nis=nis, nisn=nisn)  # type: ignore[no-any-return]

    @strawberry.field(description="Long work of academic, like an import.", metadata={"permission": "student:import"})
    async def academic_job(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="Identity of the job.")]
    ) -> Job | None:
        """Null when the school has no such job."""
        return await find_job(info, id, permission="student:import")


@strawberry.type
class StudentSubscription:
    """What is told of long work as it happens."""

    @strawberry.subscription(
        description="Long work of academic as it stands, then whenever status or progress change, until it ends.",
        metadata={"permission": "student:import"},
    )
    async def academic_job_progress(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="Identity of the job.")]
    ) -> AsyncGenerator[Job | None]:
        """Null, and no more, when the school has no such job."""
        async for job in follow_job(info, id, permission="student:import"):
            yield job


@strawberry.type
class StudentMutation:
    """Mutations of pupils."""

    @mutation(permission="student:import")
    async def import_students(self, call: Call, input: ImportStudentsInput) -> ImportStudentsSuccess:
        """Loads pupils, their guardians and their classes: all rows or none; loading them again changes nothing."""
        job_id = await operations.request_import(
            call.tx,
            queue=call.context.extras.queue,
            uploads=call.context.extras.uploads,
            requested_by=call.actor.user_id,
            academic_year_id=input.academic_year_id,
            text=input.file.text,
            file_id=input.file.file_id,
            dry_run=input.dry_run,
        )
        return ImportStudentsSuccess(job_id=job_id)
