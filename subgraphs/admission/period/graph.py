"""Admission periods in the graph."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, FromClause

from libs.auth import PUBLIC
from libs.graph import (
    Call,
    Connection,
    Info,
    ReadContext,
    Rupiah,
    column,
    compared,
    described_enum,
    entity,
    error,
    find_all,
    find_one,
    given,
    given_out,
    mutation,
    one,
    result,
    root_connection,
)
from subgraphs.admission.period import model, operations, rules

described_enum(
    rules.AdmissionPeriodStatus,
    "Where an admission period stands.",
    DRAFT="It is planned.",
    OPEN="People apply, within its dates.",
    CLOSED="Its last day has passed.",
    SELECTION="The school selects.",
    ANNOUNCED="The results are told.",
    COMPLETED="The accepted are registered.",
)

_CONDITIONS = {"academic_year_id": compared("The year it takes pupils for.", UUID, lambda t: t.c.academic_year_id)}


@entity(model.Period.__table__, resource="admission_period", keyed=False, conditions=_CONDITIONS)
class AdmissionPeriod:
    """A time in which the school takes applications for an academic year."""

    id: UUID = column("Identity of the period.", filter=True)
    name: str = column("Name.", filter=True, order=True)
    code: str = column("Code, unique in its academic year; it stands in the numbers of the applications.", filter=True)
    start_date: date = column("First day on which people apply.", filter=True, order=True)
    end_date: date = column("Last day on which people apply.", filter=True)
    registration_fee: Rupiah | None = column("Rupiah to pay for an application; null where applying is free.")
    max_applicants: int | None = column("Applications that are taken at most; null where there is no limit.")
    status: rules.AdmissionPeriodStatus = column("Where it stands.", filter=True)
    applicants: int | None = column("Applications that were submitted.", permission="application:read")


def open_today(row: FromClause, context: ReadContext) -> Sequence[ColumnElement[bool]]:
    """Those in which one can apply on the school's day."""
    return (
        row.c.status == rules.AdmissionPeriodStatus.OPEN.value,
        row.c.start_date <= context.today,
        row.c.end_date >= context.today,
    )


@error(rules.PeriodCodeTaken)
class PeriodCodeTaken:
    """Another period of the academic year has the code."""

    period_code: strawberry.Private[str]


@error(rules.PeriodNotDraft)
class PeriodNotDraft:
    """Only a draft can be opened."""

    status: rules.AdmissionPeriodStatus = given_out("Where the period stands.")


@strawberry.input(description="An admission period.")
class CreateAdmissionPeriodInput:
    name: str = given("Name.", max_length=120)
    code: str = given("Code, 1 to 10 letters or digits, unique in the academic year.", max_length=10)
    academic_year_id: UUID = given("The year it takes pupils for.")
    start_date: date = given("First day on which people apply.")
    end_date: date = given("Last day on which people apply.")
    registration_fee: Rupiah | None = given(
        "Rupiah to pay for an application; nothing where applying is free.",
        default=None,
        min=0,
        max=rules.LARGEST_FEE,
    )
    max_applicants: int | None = given(
        "Applications that are taken at most.", default=None, min=1, max=rules.MOST_APPLICANTS
    )


@strawberry.input(description="Which period to open.")
class OpenAdmissionPeriodInput:
    period_id: UUID = given("The period.")


@result
class CreateAdmissionPeriodSuccess:
    """The period is planned."""

    admission_period_id: strawberry.Private[UUID]
    admission_period: AdmissionPeriod = one("AdmissionPeriod", "The new period.")


@result
class OpenAdmissionPeriodSuccess:
    """The period takes applications within its dates."""

    admission_period_id: strawberry.Private[UUID]
    admission_period: AdmissionPeriod = one("AdmissionPeriod", "The period.")


@strawberry.type
class PeriodQuery:
    """Queries about admission periods."""

    admission_periods: Connection[AdmissionPeriod] = root_connection(
        AdmissionPeriod, "Admission periods, latest first.", order="start_date desc"
    )

    @strawberry.field(description="An admission period by its identity.")
    async def admission_period(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="Identity of the period.")]
    ) -> AdmissionPeriod | None:
        """Null when there is none for the actor."""
        return await find_one(info, AdmissionPeriod, id=id)  # type: ignore[no-any-return]

    @strawberry.field(
        description="Where one can apply today, at the school that X-Tenant-Id or the token names.",
        metadata={"public": True},
    )
    async def open_admission_periods(self, info: Info) -> list[AdmissionPeriod]:
        """Nobody needs to be signed in."""
        permissions = frozenset({"admission_period:read"})
        anybody = replace(PUBLIC, tenant_id=info.context.school.tenant_id, permissions=permissions)
        found: list[AdmissionPeriod] = await find_all(
            info, AdmissionPeriod, open_today, order="end_date, name", reader=anybody
        )
        return found


@strawberry.type
class PeriodMutation:
    """Mutations of admission periods."""

    @mutation(permission="admission_period:create", feature="ADMISSION", errors=(PeriodCodeTaken,))
    async def create_admission_period(
        self, call: Call, input: CreateAdmissionPeriodInput
    ) -> CreateAdmissionPeriodSuccess:
        """Plans a period; nobody applies before it is opened."""
        period = await operations.create_admission_period(
            call.tx,
            name=input.name,
            code=input.code,
            academic_year_id=input.academic_year_id,
            start_date=input.start_date,
            end_date=input.end_date,
            registration_fee=input.registration_fee,
            max_applicants=input.max_applicants,
        )
        return CreateAdmissionPeriodSuccess(admission_period_id=period.id)

    @mutation(permission="admission_period:open", feature="ADMISSION", errors=(PeriodNotDraft,))
    async def open_admission_period(self, call: Call, input: OpenAdmissionPeriodInput) -> OpenAdmissionPeriodSuccess:
        """Lets people apply from the period's first day to its last."""
        period = await operations.open_admission_period(call.tx, period_id=input.period_id, today=call.today)
        return OpenAdmissionPeriodSuccess(admission_period_id=period.id)
