"""Subjects in the graph."""

from uuid import UUID

import strawberry

from libs.graph import (
    Call,
    Connection,
    column,
    described_enum,
    entity,
    error,
    given,
    mutation,
    one,
    result,
    root_aggregates,
    root_connection,
)
from subgraphs.academic.subject import model, operations, rules

described_enum(
    rules.SubjectCategory,
    "Where a subject stands in the curriculum.",
    WAJIB="Everybody takes it.",
    PEMINATAN="Taken by choice.",
    MULOK="Local content.",
)


@entity(model.Subject.__table__, resource="subject")
class Subject:
    """A subject taught at the school."""

    id: UUID = column("Identity of the subject.", filter=True)
    code: str = column("Code, unique in the school.", filter=True, order=True)
    name: str = column("Name.", filter=True, order=True)
    category: rules.SubjectCategory = column("Where it stands in the curriculum.", filter=True, group=True)
    credit_hours: int | None = column("Lessons a week.", measure=True)


@error(rules.CodeTaken)
class CodeTaken:
    """The school already has a subject of that code."""

    subject_code: strawberry.Private[str]


@strawberry.input(description="A subject.")
class CreateSubjectInput:
    code: str = given("Code, unique in the school.", max_length=20)
    name: str = given("Name.", max_length=120)
    category: rules.SubjectCategory = given("Where it stands in the curriculum.")
    credit_hours: int | None = given("Lessons a week.", default=None, min=0, max=60)
    kkm: int = given("Minimum mark, 0 to 100.", default=75, min=0, max=100)


@result
class CreateSubjectSuccess:
    """The subject was added."""

    subject_id: strawberry.Private[UUID]
    subject: Subject = one("Subject", "The new subject.")


@strawberry.type
class SubjectQuery:
    """Queries about subjects."""

    subjects: Connection[Subject] = root_connection(Subject, "Subjects, by code.", order="code")
    subject_aggregates = root_aggregates(Subject, "Figures of the subjects.")


@strawberry.type
class SubjectMutation:
    """Mutations of subjects."""

    @mutation(permission="subject:create", errors=(CodeTaken,))
    async def create_subject(self, call: Call, input: CreateSubjectInput) -> CreateSubjectSuccess:
        """Adds a subject."""
        subject = await operations.create_subject(
            call.tx,
            code=input.code,
            name=input.name,
            category=input.category,
            credit_hours=input.credit_hours,
            kkm=input.kkm,
        )
        return CreateSubjectSuccess(subject_id=subject.id)
