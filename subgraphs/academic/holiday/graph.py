"""Holidays in the graph."""

import datetime as dt
from uuid import UUID

import strawberry

from libs.graph import Call, Connection, column, entity, given, mutation, one, result, root_connection
from subgraphs.academic.holiday import model, operations


@entity(model.Holiday.__table__, resource="academic_year", keyed=False)
class SchoolHoliday:
    """A day of the school's calendar."""

    id: UUID = column("Identity of the holiday.")
    date: dt.date = column("The day.", filter=True, order=True)
    name: str = column("What it is called.")
    affects_attendance: bool = column("Whether nobody is expected at school.", filter=True)


@strawberry.input(description="A holiday.")
class DeclareHolidayInput:
    date: dt.date = given("The day.")
    name: str = given("What it is called.", max_length=120)
    affects_attendance: bool = given("Whether nobody is expected at school.", default=True)


@result
class DeclareHolidaySuccess:
    """The holiday stands in the calendar."""

    holiday_id: strawberry.Private[UUID]
    holiday: SchoolHoliday = one("SchoolHoliday", "The new holiday.")


@strawberry.type
class HolidayQuery:
    """Queries about holidays."""

    holidays: Connection[SchoolHoliday] = root_connection(
        SchoolHoliday, "Holidays of the school, by day.", order="date"
    )


@strawberry.type
class HolidayMutation:
    """Mutations of holidays."""

    @mutation(permission="holiday:declare")
    async def declare_holiday(self, call: Call, input: DeclareHolidayInput) -> DeclareHolidaySuccess:
        """Declares a holiday of the school."""
        holiday = await operations.declare_holiday(
            call.tx, day=input.date, name=input.name, affects_attendance=input.affects_attendance
        )
        return DeclareHolidaySuccess(holiday_id=holiday.id)
