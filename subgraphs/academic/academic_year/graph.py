"""Academic years and semesters in the graph."""

from datetime import date
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, FromClause

from libs.graph import (
    Call,
    Connection,
    Info,
    ReadContext,
    column,
    entity,
    error,
    find_one,
    given,
    many,
    mutation,
    one,
    result,
    root_connection,
)
from subgraphs.academic.academic_year import model, operations, rules


@entity(model.Semester.__table__, resource="academic_year")
class Semester:
    """Half of an academic year."""

    id: UUID = column("Identity of the semester.")
    name: str = column("Ganjil or Genap.")
    number: int = column("1 (Ganjil) or 2 (Genap).")
    start_date: date = column("First day.")
    end_date: date = column("Last day.")
    is_active: bool = column("Whether it is the one that runs; one of the school at most.")


@entity(model.AcademicYear.__table__, resource="academic_year", keyed=False)
class AcademicYear:
    """A school year, July to June as a rule."""

    id: UUID = column("Identity of the year.")
    name: str = column("Name like 2026/2027.", filter=True, order=True)
    start_date: date = column("First day.", filter=True, order=True)
    end_date: date = column("Last day.", filter=True)
    is_active: bool = column("Whether its semester is the active one.", filter=True)
    semesters: list[Semester] = many(
        "Semester", "Its semesters, in order.", remote="academic_year_id", order="number", assumed=2
    )


@error(rules.AcademicYearOverlaps)
class AcademicYearOverlaps:
    """Another year of the school has some of these days."""

    other_id: strawberry.Private[UUID]
    name: strawberry.Private[str]
    other: AcademicYear = one("AcademicYear", "The other year.")


@strawberry.input(description="A year with two semesters.")
class CreateAcademicYearInput:
    name: str = given("Name, like 2026/2027.", max_length=20)
    start_date: date = given("First day.")
    end_date: date = given("Last day.")
    second_semester_start: date = given("First day of the second semester; the first one ends the day before.")


@strawberry.input(description="Which semester is to run.")
class ActivateSemesterInput:
    semester_id: UUID = given("The semester.")


@result
class CreateAcademicYearSuccess:
    """The year was created."""

    academic_year_id: strawberry.Private[UUID]
    academic_year: AcademicYear = one("AcademicYear", "The new year.")


@result
class ActivateSemesterSuccess:
    """The semester runs."""

    semester_id: strawberry.Private[UUID]
    semester: Semester = one("Semester", "The active semester.")


def _is_active(semester: FromClause, _: ReadContext) -> list[ColumnElement[bool]]:
    return [semester.c.is_active]


@strawberry.type
class AcademicYearQuery:
    """Queries about the calendar."""

    academic_years: Connection[AcademicYear] = root_connection(
        AcademicYear, "Academic years of the school, newest first.", order="start_date desc"
    )

    @strawberry.field(description="The semester that runs, if one does.")
    async def active_semester(self, info: Info) -> Semester | None:
        """At most one is active."""
        return await find_one(info, Semester, _is_active)  # type: ignore[no-any-return]


@strawberry.type
class AcademicYearMutation:
    """Mutations of the calendar."""

    @mutation(permission="academic_year:create", errors=(AcademicYearOverlaps,))
    async def create_academic_year(self, call: Call, input: CreateAcademicYearInput) -> CreateAcademicYearSuccess:
        """Creates an academic year with both semesters."""
        year = await operations.create_academic_year(
            call.tx,
            name=input.name,
            start_date=input.start_date,
            end_date=input.end_date,
            second_semester_start=input.second_semester_start,
        )
        return CreateAcademicYearSuccess(academic_year_id=year.id)

    @mutation(permission="semester:activate")
    async def activate_semester(self, call: Call, input: ActivateSemesterInput) -> ActivateSemesterSuccess:
        """Makes a semester the active one, and its year the active year."""
        semester = await operations.activate_semester(call.tx, semester_id=input.semester_id)
        return ActivateSemesterSuccess(semester_id=semester.id)
