"""Assessments, grades and what they come to in the graph."""

from datetime import date
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, FromClause, Select, any_, or_

from libs.auth import Reach
from libs.graph import (
    Call,
    Connection,
    ReadContext,
    Score,
    column,
    compared,
    entity,
    error,
    given,
    given_out,
    mutation,
    one,
    result,
    root_connection,
    stub,
)
from subgraphs.operations.grading import model, operations, rules
from subgraphs.operations.grading.queries import graded_by, seen_class_subjects, subject_grades

if TYPE_CHECKING:
    from subgraphs.operations.roster.graph import ClassSubject, Subject

LazyClassSubject = Annotated["ClassSubject", strawberry.lazy("subgraphs.operations.roster.graph")]
LazySubject = Annotated["Subject", strawberry.lazy("subgraphs.operations.roster.graph")]


def visible_assessments(table: FromClause, context: ReadContext) -> ColumnElement[bool]:
    """Teachers: of subjects they teach and classes they lead. Families: of their pupils' classes."""
    seen = seen_class_subjects(
        tenant_id=context.tenant_id,
        user_id=context.user_id,
        student_ids=context.student_ids,
        as_teacher=context.reach is Reach.TAUGHT,
        as_family=context.keeps_own,
    )
    return table.c.class_subject_id == any_(seen)


@entity(
    model.Assessment.__table__,
    resource="assessment",
    visible=visible_assessments,
    keyed=False,
    conditions={"class_subject_id": compared("The subject of a class.", UUID, lambda t: t.c.class_subject_id)},
)
class Assessment:
    """Something that is graded: a test, a piece of homework."""

    id: UUID = column("Identity of the assessment.", filter=True)
    title: str = column("What it is called.")
    max_score: int = column("The best score, in points.")
    assessment_date: date = column("Day on which it is written or due.", filter=True, order=True)
    class_subject: LazyClassSubject = stub("class_subject_id", "The subject of the class.")


def grades_of(
    student_id: ColumnElement[UUID], context: ReadContext, *, semester_id: ColumnElement[UUID] | None
) -> Select[UUID]:
    """Teachers: in subjects they teach, and all in classes they lead. Families: their pupils'."""
    own = student_id == any_(context.student_ids)

    def seen(rows: FromClause) -> ColumnElement[bool]:
        if context.reach is Reach.OWN:
            return own
        taught = graded_by(rows, tenant_id=context.tenant_id, user_id=context.user_id)
        return or_(taught, own) if context.keeps_own else taught

    return subject_grades(
        student_id,
        tenant_id=context.tenant_id,
        semester_id=semester_id,
        seen=None if context.reach is Reach.ALL else seen,
    )


@entity(None, resource="grade", keyed=False, made=grades_of)
class SubjectGrade:
    """What a pupil's grades in a subject come to in a semester."""

    subject: LazySubject = stub("subject_id", "The subject.")
    final_score: Score | None = column(
        "0 to 100 over what is graded so far, as the categories weigh; null while nothing is."
    )
    grade_letter: str | None = column("A, B, C or D, by bands that follow from the KKM.")
    predicate: str | None = column("The letter in words, Indonesian.")
    kkm: int | None = column("Minimum mark of the subject.")
    passed: bool | None = column("Whether the final score reaches the KKM.")
    missing: int = column(
        "Scores that are missing: of assessments, one for a category without any, one where no categories are set."
    )


@strawberry.input(description="A kind of assessments of a subject.")
class GradeCategoryInput:
    name: str = given("What it is called, like UTS.", max_length=60)
    weight: int = given("Its part of a hundred.", min=1, max=100)


@strawberry.input(description="How a subject of a class is graded.")
class SetGradeCategoriesInput:
    class_subject_id: UUID = given("The subject of the class.")
    categories: list[GradeCategoryInput] = given("All categories; their weights sum to 100.")


@strawberry.type(description="A kind of assessments of a subject, with its weight.")
class GradeCategory:
    id: UUID = strawberry.field(description="Identity of the category.")
    name: str = strawberry.field(description="What it is called.")
    weight: int = strawberry.field(description="Its part of a hundred.")


@result
class SetGradeCategoriesSuccess:
    """The subject is graded by these."""

    categories: list[GradeCategory] = given_out("The categories, heaviest first.")


@strawberry.input(description="An assessment to add.")
class CreateAssessmentInput:
    class_subject_id: UUID = given("The subject of the class.")
    category: str = given("Name of one of its categories.", max_length=60)
    title: str = given("What it is called.")
    max_score: int = given("The best score, in points.", default=100, min=1, max=1000)
    assessment_date: date = given("Day on which it is written or due.")


@result
class CreateAssessmentSuccess:
    """The assessment can be graded."""

    assessment_id: strawberry.Private[UUID]
    assessment: Assessment = one("Assessment", "The assessment.")


@strawberry.input(description="A pupil's score.")
class GradeEntryInput:
    student_id: UUID = given("The pupil.")
    score: Score | None = given("Points, at most two digits after the point; null: missing.", default=None)
    notes: str | None = given("What the teacher notes.", default=None, max_length=1000, lines=True)


@strawberry.input(description="Scores of an assessment.")
class RecordGradesInput:
    assessment_id: UUID = given("The assessment.")
    entries: list[GradeEntryInput] = given("One for each pupil; who is not named stays as it is.")


@result
class RecordGradesSuccess:
    """The scores stand as given; those that are approved already stay as they were, and count as unchanged."""

    recorded: int = given_out("Pupils who had none before.")
    updated: int = given_out("Pupils whose score or note changed.")
    unchanged: int = given_out("Pupils for whom nothing changed.")


@error(rules.WeightsMustSumTo100)
class WeightsMustSumTo100:
    """The weights are parts of a hundred."""

    sum: int = given_out("What they sum to.")


@error(rules.CategoryInUse)
class CategoryInUse:
    """A category that assessments belong to was left out."""

    names: str = given_out("Its name, or their names, separated by commas.")


@error(rules.NotTeachingThisClass)
class NotTeachingThisClass:
    """The actor does not teach the class, or not this subject of it."""


@error(rules.ScoreOutOfRange)
class ScoreOutOfRange:
    """A score below zero or above the best one; nothing was recorded."""

    student_id: UUID = given_out("The first pupil with such a score.")
    max: int = given_out("The best score, in points.")


def _grader(call: Call) -> operations.Grader:
    return operations.Grader(call.actor.user_id, any_subject=call.actor.may("grade:record_any"))


@strawberry.type
class GradingQuery:
    """Queries about grading."""

    assessments: Connection[Assessment] = root_connection(
        Assessment, "Assessments, latest first.", order="assessment_date desc"
    )


@strawberry.type
class GradingMutation:
    """Mutations of grading."""

    @mutation(
        permission="grade_category:set",
        feature="GRADING",
        errors=[WeightsMustSumTo100, CategoryInUse, NotTeachingThisClass],
    )
    async def set_grade_categories(self, call: Call, input: SetGradeCategoriesInput) -> SetGradeCategoriesSuccess:
        """Says by which categories, with which weights, a subject of a class is graded; replaces those before."""
        kept = await operations.set_grade_categories(
            call.tx,
            grader=_grader(call),
            class_subject_id=input.class_subject_id,
            categories=[(each.name, each.weight) for each in input.categories],
        )
        return SetGradeCategoriesSuccess(
            categories=[GradeCategory(id=each.id, name=each.name, weight=each.weight) for each in kept]
        )

    @mutation(permission="assessment:create", feature="GRADING", errors=[NotTeachingThisClass])
    async def create_assessment(self, call: Call, input: CreateAssessmentInput) -> CreateAssessmentSuccess:
        """Adds an assessment to a subject of a class."""
        made = await operations.create_assessment(
            call.tx,
            grader=_grader(call),
            class_subject_id=input.class_subject_id,
            category=input.category,
            title=input.title,
            max_score=input.max_score,
            assessment_date=input.assessment_date,
        )
        return CreateAssessmentSuccess(assessment_id=made.id)

    @mutation(permission="grade:record", feature="GRADING", errors=[ScoreOutOfRange, NotTeachingThisClass])
    async def record_grades(self, call: Call, input: RecordGradesInput) -> RecordGradesSuccess:
        """Writes the scores of pupils in an assessment, all or none."""
        entries = [operations.Entry(each.student_id, each.score, each.notes) for each in input.entries]
        done = await operations.record_grades(
            call.tx, grader=_grader(call), assessment_id=input.assessment_id, entries=entries
        )
        return RecordGradesSuccess(recorded=done.recorded, updated=done.updated, unchanged=done.unchanged)
